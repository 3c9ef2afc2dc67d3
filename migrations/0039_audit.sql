CREATE TABLE `acting` (
	`id` integer PRIMARY KEY NOT NULL,
	`actor` text NOT NULL,
	`ip` text,
	`request_id` text,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `audit_log` (
	`seq` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`object_type` text NOT NULL,
	`object_id` text NOT NULL,
	`before` text,
	`after` text,
	`ip` text,
	`request_id` text
);
--> statement-breakpoint
CREATE INDEX `audit_log_object` ON `audit_log` (`object_type`,`object_id`,`at`);--> statement-breakpoint
CREATE INDEX `audit_log_actor` ON `audit_log` (`actor`,`at`);--> statement-breakpoint
CREATE INDEX `audit_log_action` ON `audit_log` (`action`,`at`);--> statement-breakpoint
CREATE INDEX `audit_log_at` ON `audit_log` (`at`);
--> statement-breakpoint
-- Who of the shop's people and programs changed what: src/audit/audited-d1.ts puts the actor down in `acting`.
CREATE TRIGGER users_added_audited AFTER INSERT ON users WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'user.created', 'user', NEW.id, NULL,
    (SELECT json_group_object(t.key, iif(t.key IN ('email', 'name', 'password_hash'), '•', t.value))
      FROM json_each(json_object('role', NEW.role, 'disabled_at', NEW.disabled_at, 'trusted', NEW.trusted, 'payment_methods', NEW.payment_methods, 'email', NEW.email, 'name', NEW.name, 'password_hash', NEW.password_hash)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER users_changed_audited AFTER UPDATE OF role, disabled_at, trusted, payment_methods, email, name, password_hash ON users
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.role IS NOT NEW.role OR OLD.disabled_at IS NOT NEW.disabled_at OR OLD.trusted IS NOT NEW.trusted OR OLD.payment_methods IS NOT NEW.payment_methods OR OLD.email IS NOT NEW.email OR OLD.name IS NOT NEW.name OR OLD.password_hash IS NOT NEW.password_hash) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'user.updated', 'user', NEW.id,
    (SELECT json_group_object(t.key, iif(t.key IN ('email', 'name', 'password_hash'), '•', t.value))
      FROM json_each(json_object('role', OLD.role, 'disabled_at', OLD.disabled_at, 'trusted', OLD.trusted, 'payment_methods', OLD.payment_methods, 'email', OLD.email, 'name', OLD.name, 'password_hash', OLD.password_hash)) AS t
      WHERE t.value IS NOT json_extract(json_object('role', NEW.role, 'disabled_at', NEW.disabled_at, 'trusted', NEW.trusted, 'payment_methods', NEW.payment_methods, 'email', NEW.email, 'name', NEW.name, 'password_hash', NEW.password_hash), t.fullkey)),
    (SELECT json_group_object(t.key, iif(t.key IN ('email', 'name', 'password_hash'), '•', t.value))
      FROM json_each(json_object('role', NEW.role, 'disabled_at', NEW.disabled_at, 'trusted', NEW.trusted, 'payment_methods', NEW.payment_methods, 'email', NEW.email, 'name', NEW.name, 'password_hash', NEW.password_hash)) AS t
      WHERE t.value IS NOT json_extract(json_object('role', OLD.role, 'disabled_at', OLD.disabled_at, 'trusted', OLD.trusted, 'payment_methods', OLD.payment_methods, 'email', OLD.email, 'name', OLD.name, 'password_hash', OLD.password_hash), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER users_deleted_audited AFTER DELETE ON users WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'user.deleted', 'user', OLD.id,
    (SELECT json_group_object(t.key, iif(t.key IN ('email', 'name', 'password_hash'), '•', t.value))
      FROM json_each(json_object('role', OLD.role, 'disabled_at', OLD.disabled_at, 'trusted', OLD.trusted, 'payment_methods', OLD.payment_methods, 'email', OLD.email, 'name', OLD.name, 'password_hash', OLD.password_hash)) AS t WHERE t.value IS NOT NULL), NULL, a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER roles_added_audited AFTER INSERT ON roles WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'role.created', 'role', NEW.name, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('permissions', NEW.permissions)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER roles_changed_audited AFTER UPDATE OF permissions ON roles
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.permissions IS NOT NEW.permissions) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'role.updated', 'role', NEW.name,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('permissions', OLD.permissions)) AS t
      WHERE t.value IS NOT json_extract(json_object('permissions', NEW.permissions), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('permissions', NEW.permissions)) AS t
      WHERE t.value IS NOT json_extract(json_object('permissions', OLD.permissions), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER roles_deleted_audited AFTER DELETE ON roles WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'role.deleted', 'role', OLD.name,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('permissions', OLD.permissions)) AS t WHERE t.value IS NOT NULL), NULL, a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER api_keys_added_audited AFTER INSERT ON api_keys WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'api_key.created', 'api_key', NEW.id, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', NEW.name, 'prefix', NEW.prefix, 'scopes', NEW.scopes, 'expires_at', NEW.expires_at, 'revoked_at', NEW.revoked_at)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER api_keys_changed_audited AFTER UPDATE OF name, prefix, scopes, expires_at, revoked_at ON api_keys
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.name IS NOT NEW.name OR OLD.prefix IS NOT NEW.prefix OR OLD.scopes IS NOT NEW.scopes OR OLD.expires_at IS NOT NEW.expires_at OR OLD.revoked_at IS NOT NEW.revoked_at) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'api_key.updated', 'api_key', NEW.id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', OLD.name, 'prefix', OLD.prefix, 'scopes', OLD.scopes, 'expires_at', OLD.expires_at, 'revoked_at', OLD.revoked_at)) AS t
      WHERE t.value IS NOT json_extract(json_object('name', NEW.name, 'prefix', NEW.prefix, 'scopes', NEW.scopes, 'expires_at', NEW.expires_at, 'revoked_at', NEW.revoked_at), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', NEW.name, 'prefix', NEW.prefix, 'scopes', NEW.scopes, 'expires_at', NEW.expires_at, 'revoked_at', NEW.revoked_at)) AS t
      WHERE t.value IS NOT json_extract(json_object('name', OLD.name, 'prefix', OLD.prefix, 'scopes', OLD.scopes, 'expires_at', OLD.expires_at, 'revoked_at', OLD.revoked_at), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER categories_added_audited AFTER INSERT ON categories WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'category.created', 'category', NEW.id, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', NEW.name, 'description', NEW.description)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER categories_changed_audited AFTER UPDATE OF name, description ON categories
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.name IS NOT NEW.name OR OLD.description IS NOT NEW.description) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'category.updated', 'category', NEW.id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', OLD.name, 'description', OLD.description)) AS t
      WHERE t.value IS NOT json_extract(json_object('name', NEW.name, 'description', NEW.description), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', NEW.name, 'description', NEW.description)) AS t
      WHERE t.value IS NOT json_extract(json_object('name', OLD.name, 'description', OLD.description), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER categories_deleted_audited AFTER DELETE ON categories WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'category.deleted', 'category', OLD.id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', OLD.name, 'description', OLD.description)) AS t WHERE t.value IS NOT NULL), NULL, a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER stores_added_audited AFTER INSERT ON stores WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'store.created', 'store', NEW.id, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', NEW.name, 'address', NEW.address, 'country', NEW.country, 'priority', NEW.priority)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER stores_changed_audited AFTER UPDATE OF name, address, country, priority ON stores
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.name IS NOT NEW.name OR OLD.address IS NOT NEW.address OR OLD.country IS NOT NEW.country OR OLD.priority IS NOT NEW.priority) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'store.updated', 'store', NEW.id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', OLD.name, 'address', OLD.address, 'country', OLD.country, 'priority', OLD.priority)) AS t
      WHERE t.value IS NOT json_extract(json_object('name', NEW.name, 'address', NEW.address, 'country', NEW.country, 'priority', NEW.priority), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('name', NEW.name, 'address', NEW.address, 'country', NEW.country, 'priority', NEW.priority)) AS t
      WHERE t.value IS NOT json_extract(json_object('name', OLD.name, 'address', OLD.address, 'country', OLD.country, 'priority', OLD.priority), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER products_added_audited AFTER INSERT ON products WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'product.created', 'product', NEW.id, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('sku', NEW.sku, 'title', NEW.title, 'description', NEW.description, 'category_id', NEW.category_id, 'price', NEW.price, 'currency', NEW.currency, 'low_stock_threshold', NEW.low_stock_threshold, 'active', NEW.active, 'attributes', NEW.attributes, 'max_per_order', NEW.max_per_order)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER products_changed_audited AFTER UPDATE OF sku, title, description, category_id, price, currency, low_stock_threshold, active, attributes, max_per_order ON products
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.sku IS NOT NEW.sku OR OLD.title IS NOT NEW.title OR OLD.description IS NOT NEW.description OR OLD.category_id IS NOT NEW.category_id OR OLD.price IS NOT NEW.price OR OLD.currency IS NOT NEW.currency OR OLD.low_stock_threshold IS NOT NEW.low_stock_threshold OR OLD.active IS NOT NEW.active OR OLD.attributes IS NOT NEW.attributes OR OLD.max_per_order IS NOT NEW.max_per_order) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'product.updated', 'product', NEW.id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('sku', OLD.sku, 'title', OLD.title, 'description', OLD.description, 'category_id', OLD.category_id, 'price', OLD.price, 'currency', OLD.currency, 'low_stock_threshold', OLD.low_stock_threshold, 'active', OLD.active, 'attributes', OLD.attributes, 'max_per_order', OLD.max_per_order)) AS t
      WHERE t.value IS NOT json_extract(json_object('sku', NEW.sku, 'title', NEW.title, 'description', NEW.description, 'category_id', NEW.category_id, 'price', NEW.price, 'currency', NEW.currency, 'low_stock_threshold', NEW.low_stock_threshold, 'active', NEW.active, 'attributes', NEW.attributes, 'max_per_order', NEW.max_per_order), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('sku', NEW.sku, 'title', NEW.title, 'description', NEW.description, 'category_id', NEW.category_id, 'price', NEW.price, 'currency', NEW.currency, 'low_stock_threshold', NEW.low_stock_threshold, 'active', NEW.active, 'attributes', NEW.attributes, 'max_per_order', NEW.max_per_order)) AS t
      WHERE t.value IS NOT json_extract(json_object('sku', OLD.sku, 'title', OLD.title, 'description', OLD.description, 'category_id', OLD.category_id, 'price', OLD.price, 'currency', OLD.currency, 'low_stock_threshold', OLD.low_stock_threshold, 'active', OLD.active, 'attributes', OLD.attributes, 'max_per_order', OLD.max_per_order), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER orders_changed_audited AFTER UPDATE OF status, payment_status, priority, expires_at, total, claim_id, customer, customer_email, shipping_address, notes ON orders
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.status IS NOT NEW.status OR OLD.payment_status IS NOT NEW.payment_status OR OLD.priority IS NOT NEW.priority OR OLD.expires_at IS NOT NEW.expires_at OR OLD.total IS NOT NEW.total OR OLD.claim_id IS NOT NEW.claim_id OR OLD.customer IS NOT NEW.customer OR OLD.customer_email IS NOT NEW.customer_email OR OLD.shipping_address IS NOT NEW.shipping_address OR OLD.notes IS NOT NEW.notes) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'order.updated', 'order', NEW.id,
    (SELECT json_group_object(t.key, iif(t.key IN ('customer', 'customer_email', 'shipping_address', 'notes'), '•', t.value))
      FROM json_each(json_object('status', OLD.status, 'payment_status', OLD.payment_status, 'priority', OLD.priority, 'expires_at', OLD.expires_at, 'total', OLD.total, 'claim_id', OLD.claim_id, 'customer', OLD.customer, 'customer_email', OLD.customer_email, 'shipping_address', OLD.shipping_address, 'notes', OLD.notes)) AS t
      WHERE t.value IS NOT json_extract(json_object('status', NEW.status, 'payment_status', NEW.payment_status, 'priority', NEW.priority, 'expires_at', NEW.expires_at, 'total', NEW.total, 'claim_id', NEW.claim_id, 'customer', NEW.customer, 'customer_email', NEW.customer_email, 'shipping_address', NEW.shipping_address, 'notes', NEW.notes), t.fullkey)),
    (SELECT json_group_object(t.key, iif(t.key IN ('customer', 'customer_email', 'shipping_address', 'notes'), '•', t.value))
      FROM json_each(json_object('status', NEW.status, 'payment_status', NEW.payment_status, 'priority', NEW.priority, 'expires_at', NEW.expires_at, 'total', NEW.total, 'claim_id', NEW.claim_id, 'customer', NEW.customer, 'customer_email', NEW.customer_email, 'shipping_address', NEW.shipping_address, 'notes', NEW.notes)) AS t
      WHERE t.value IS NOT json_extract(json_object('status', OLD.status, 'payment_status', OLD.payment_status, 'priority', OLD.priority, 'expires_at', OLD.expires_at, 'total', OLD.total, 'claim_id', OLD.claim_id, 'customer', OLD.customer, 'customer_email', OLD.customer_email, 'shipping_address', OLD.shipping_address, 'notes', OLD.notes), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER payments_changed_audited AFTER UPDATE OF status, amount, currency, captured, refunded ON payments
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.status IS NOT NEW.status OR OLD.amount IS NOT NEW.amount OR OLD.currency IS NOT NEW.currency OR OLD.captured IS NOT NEW.captured OR OLD.refunded IS NOT NEW.refunded) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'payment.updated', 'payment', NEW.id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('status', OLD.status, 'amount', OLD.amount, 'currency', OLD.currency, 'captured', OLD.captured, 'refunded', OLD.refunded)) AS t
      WHERE t.value IS NOT json_extract(json_object('status', NEW.status, 'amount', NEW.amount, 'currency', NEW.currency, 'captured', NEW.captured, 'refunded', NEW.refunded), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('status', NEW.status, 'amount', NEW.amount, 'currency', NEW.currency, 'captured', NEW.captured, 'refunded', NEW.refunded)) AS t
      WHERE t.value IS NOT json_extract(json_object('status', OLD.status, 'amount', OLD.amount, 'currency', OLD.currency, 'captured', OLD.captured, 'refunded', OLD.refunded), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER payment_events_changed_audited AFTER UPDATE OF state, outcome, order_id, amount ON payment_events
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.state IS NOT NEW.state OR OLD.outcome IS NOT NEW.outcome OR OLD.order_id IS NOT NEW.order_id OR OLD.amount IS NOT NEW.amount) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'payment_event.updated', 'payment_event', NEW.event_id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('state', OLD.state, 'outcome', OLD.outcome, 'order_id', OLD.order_id, 'amount', OLD.amount)) AS t
      WHERE t.value IS NOT json_extract(json_object('state', NEW.state, 'outcome', NEW.outcome, 'order_id', NEW.order_id, 'amount', NEW.amount), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('state', NEW.state, 'outcome', NEW.outcome, 'order_id', NEW.order_id, 'amount', NEW.amount)) AS t
      WHERE t.value IS NOT json_extract(json_object('state', OLD.state, 'outcome', OLD.outcome, 'order_id', OLD.order_id, 'amount', OLD.amount), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER refunds_added_audited AFTER INSERT ON refunds WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'refund.created', 'refund', NEW.id, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('payment_id', NEW.payment_id, 'state', NEW.state, 'amount', NEW.amount)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER refunds_changed_audited AFTER UPDATE OF payment_id, state, amount ON refunds
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.payment_id IS NOT NEW.payment_id OR OLD.state IS NOT NEW.state OR OLD.amount IS NOT NEW.amount) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'refund.updated', 'refund', NEW.id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('payment_id', OLD.payment_id, 'state', OLD.state, 'amount', OLD.amount)) AS t
      WHERE t.value IS NOT json_extract(json_object('payment_id', NEW.payment_id, 'state', NEW.state, 'amount', NEW.amount), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('payment_id', NEW.payment_id, 'state', NEW.state, 'amount', NEW.amount)) AS t
      WHERE t.value IS NOT json_extract(json_object('payment_id', OLD.payment_id, 'state', OLD.state, 'amount', OLD.amount), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER shipments_added_audited AFTER INSERT ON shipments WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'shipment.created', 'shipment', NEW.id, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('order_id', NEW.order_id, 'items', NEW.items)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER returns_added_audited AFTER INSERT ON returns WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'return.created', 'return', NEW.id, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('order_id', NEW.order_id, 'items', NEW.items)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER jobs_added_audited AFTER INSERT ON jobs WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'job.created', 'job', NEW.name, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('schedule', NEW.schedule, 'enabled', NEW.enabled)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER jobs_changed_audited AFTER UPDATE OF schedule, enabled ON jobs
WHEN EXISTS (SELECT 1 FROM acting) AND (OLD.schedule IS NOT NEW.schedule OR OLD.enabled IS NOT NEW.enabled) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'job.updated', 'job', NEW.name,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('schedule', OLD.schedule, 'enabled', OLD.enabled)) AS t
      WHERE t.value IS NOT json_extract(json_object('schedule', NEW.schedule, 'enabled', NEW.enabled), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('schedule', NEW.schedule, 'enabled', NEW.enabled)) AS t
      WHERE t.value IS NOT json_extract(json_object('schedule', OLD.schedule, 'enabled', OLD.enabled), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER shop_state_added_audited AFTER INSERT ON shop_state WHEN EXISTS (SELECT 1 FROM acting) AND NEW.key IN ('selling', 'generation') BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'shop.created', 'shop', NEW.key, NULL,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('value', NEW.value)) AS t WHERE t.value IS NOT NULL), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER shop_state_changed_audited AFTER UPDATE OF value ON shop_state
WHEN EXISTS (SELECT 1 FROM acting) AND NEW.key IN ('selling', 'generation') AND (OLD.value IS NOT NEW.value) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'shop.updated', 'shop', NEW.key,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('value', OLD.value)) AS t
      WHERE t.value IS NOT json_extract(json_object('value', NEW.value), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('value', NEW.value)) AS t
      WHERE t.value IS NOT json_extract(json_object('value', OLD.value), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER work_changed_audited AFTER UPDATE OF task, object_id, state, attempts ON work
WHEN EXISTS (SELECT 1 FROM acting) AND OLD.state = 'dead' AND (OLD.task IS NOT NEW.task OR OLD.object_id IS NOT NEW.object_id OR OLD.state IS NOT NEW.state OR OLD.attempts IS NOT NEW.attempts) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'task.updated', 'task', NEW.id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('task', OLD.task, 'object_id', OLD.object_id, 'state', OLD.state, 'attempts', OLD.attempts)) AS t
      WHERE t.value IS NOT json_extract(json_object('task', NEW.task, 'object_id', NEW.object_id, 'state', NEW.state, 'attempts', NEW.attempts), t.fullkey)),
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('task', NEW.task, 'object_id', NEW.object_id, 'state', NEW.state, 'attempts', NEW.attempts)) AS t
      WHERE t.value IS NOT json_extract(json_object('task', OLD.task, 'object_id', OLD.object_id, 'state', OLD.state, 'attempts', OLD.attempts), t.fullkey)), a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
CREATE TRIGGER work_deleted_audited AFTER DELETE ON work WHEN EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after, ip, request_id)
  SELECT a.at, a.actor, 'task.deleted', 'task', OLD.id,
    (SELECT json_group_object(t.key, t.value)
      FROM json_each(json_object('task', OLD.task, 'object_id', OLD.object_id, 'state', OLD.state, 'attempts', OLD.attempts)) AS t WHERE t.value IS NOT NULL), NULL, a.ip, a.request_id FROM acting AS a;
END;
--> statement-breakpoint
-- Of a program: its order may be placed with those of others, in one batch.
CREATE TRIGGER orders_placed_audited AFTER INSERT ON orders WHEN NEW.placed_by LIKE 'key\_%' ESCAPE '\' BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after)
  VALUES (NEW.created_at, NEW.placed_by, 'order.created', 'order', NEW.id, NULL,
    json_object('status', NEW.status, 'total', NEW.total, 'currency', NEW.currency));
END;
--> statement-breakpoint
-- What the shop does by itself to what was a buyer's.
CREATE TRIGGER orders_expired_audited AFTER UPDATE OF status ON orders
WHEN NEW.status = 'expired' AND OLD.status <> 'expired' AND NOT EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after)
  VALUES (NEW.updated_at, 'system', 'order.updated', 'order', NEW.id,
    json_object('status', OLD.status), json_object('status', NEW.status));
END;
--> statement-breakpoint
CREATE TRIGGER refunds_owed_audited AFTER INSERT ON refunds WHEN NOT EXISTS (SELECT 1 FROM acting) BEGIN
  INSERT INTO audit_log (at, actor, action, object_type, object_id, before, after)
  VALUES (NEW.created_at, 'system', 'refund.created', 'refund', NEW.id, NULL,
    json_object('payment_id', NEW.payment_id, 'state', NEW.state, 'amount', NEW.amount));
END;
--> statement-breakpoint
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log BEGIN
  SELECT RAISE(ABORT, 'the audit log is only added to');
END;
--> statement-breakpoint
CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log BEGIN
  SELECT RAISE(ABORT, 'the audit log is only added to');
END;
