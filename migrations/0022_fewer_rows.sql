-- A row that a sale or a step writes costs money, and so does each entry of an index. This takes away those that answer
-- nothing that something else does not.
--
-- How long it takes: docs/STORAGE.md, "Large shops".
--
-- What an order is to say of its first version by itself (src/orders/read/history.ts), so that placing writes no row of history.
ALTER TABLE `orders` ADD `placed_by` text;
--> statement-breakpoint
ALTER TABLE `orders` ADD `placed_as` text;
--> statement-breakpoint
ALTER TABLE `order_history` ADD `placed_as` text;
--> statement-breakpoint
-- All orders are read by their ids, and by time along `orders_state`.
DROP INDEX `orders_created_at`;
--> statement-breakpoint
-- Orders of a cart, and that one of them lives at most: one index for both.
DROP INDEX `orders_living_cart`;
--> statement-breakpoint
DROP INDEX `orders_cart`;
--> statement-breakpoint
CREATE UNIQUE INDEX `orders_cart` ON `orders` (`cart_id`,(CASE WHEN status = 'rejected' OR status = 'cancelled' OR status = 'expired' THEN id ELSE '' END)) WHERE cart_id IS NOT NULL;
--> statement-breakpoint
-- What was sold as it was placed is found by when it was placed.
DROP INDEX `orders_sold`;
--> statement-breakpoint
CREATE INDEX `orders_sold_later` ON `orders` (`sold_at`,`customer_email`) WHERE sold_at IS NOT NULL AND sold_at <> created_at;
--> statement-breakpoint
-- Sales and orders in one table of figures. What keeps it is dropped first, since SQLite looks at all triggers when a
-- table is renamed below.
DROP TRIGGER orders_placed;
--> statement-breakpoint
DROP TRIGGER orders_moved;
--> statement-breakpoint
DROP TRIGGER orders_sold_at_once;
--> statement-breakpoint
DROP TRIGGER items_sold_at_once;
--> statement-breakpoint
DROP TRIGGER orders_sold_later;
--> statement-breakpoint
DROP TRIGGER orders_cancelled;
--> statement-breakpoint
DROP TRIGGER items_closed;
--> statement-breakpoint
DROP TRIGGER refunds_promised;
--> statement-breakpoint
DROP TRIGGER refunds_failed;
--> statement-breakpoint
DROP VIEW sale_changes;
--> statement-breakpoint
DROP VIEW product_changes;
--> statement-breakpoint
DROP TABLE `order_figures`;
--> statement-breakpoint
CREATE TABLE `order_figures` (
	`span` text NOT NULL,
	`start` integer NOT NULL,
	`currency` text NOT NULL,
	`pending` integer NOT NULL,
	`confirmed` integer NOT NULL,
	`processing` integer NOT NULL,
	`shipped` integer NOT NULL,
	`delivered` integer NOT NULL,
	`returned` integer NOT NULL,
	`cancelled` integer NOT NULL,
	`expired` integer NOT NULL,
	`rejected` integer NOT NULL,
	`sold` integer NOT NULL,
	`units` integer NOT NULL,
	`amount` integer NOT NULL,
	`refunded` integer NOT NULL,
	PRIMARY KEY(`span`, `start`, `currency`)
) WITHOUT ROWID;
--> statement-breakpoint
-- By the orders themselves: so far they were not counted by currency.
INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
  cancelled, expired, rejected, sold, units, amount, refunded)
SELECT s.span, o.created_at - o.created_at % s.ms, o.currency,
  sum(o.status = 'pending'), sum(o.status = 'confirmed'), sum(o.status = 'processing'), sum(o.status = 'shipped'),
  sum(o.status = 'delivered'), sum(o.status = 'returned'), sum(o.status = 'cancelled'), sum(o.status = 'expired'),
  sum(o.status = 'rejected'), 0, 0, 0, 0
FROM orders AS o CROSS JOIN figure_spans AS s WHERE o.created_at < s.before GROUP BY 1, 2, 3;
--> statement-breakpoint
INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
  cancelled, expired, rejected, sold, units, amount, refunded)
SELECT span, start, currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, orders, units, amount, refunded FROM sale_figures WHERE true
ON CONFLICT (span, start, currency) DO UPDATE SET sold = sold + excluded.sold, units = units + excluded.units,
  amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
--> statement-breakpoint
DROP TABLE `sale_figures`;
--> statement-breakpoint
-- Tables of short rows whose key is text are WITHOUT ROWID, as those of 0000: one row written instead of two. Orders are
-- not: their rows are long, and what is found by another index would be read more slowly (docs/STORAGE.md).
CREATE TABLE `new_work` (
	`id` text PRIMARY KEY NOT NULL,
	`task` text NOT NULL,
	`object_id` text NOT NULL,
	`payload` text NOT NULL,
	`state` text NOT NULL,
	`not_before` integer NOT NULL,
	`attempts` integer NOT NULL,
	`lease` text,
	`error` text,
	`request_id` text,
	`created_at` integer NOT NULL,
	`started_at` integer,
	`finished_at` integer
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `new_work` (id, task, object_id, payload, state, not_before, attempts, lease, error, request_id, created_at, started_at, finished_at)
SELECT id, task, object_id, payload, state, not_before, attempts, lease, error, request_id, created_at, started_at, finished_at FROM `work` ORDER BY `id`;
--> statement-breakpoint
DROP TABLE `work`;
--> statement-breakpoint
ALTER TABLE `new_work` RENAME TO `work`;
--> statement-breakpoint
CREATE INDEX `work_dead` ON `work` (`finished_at`,`id`) WHERE state = 'dead';
--> statement-breakpoint
CREATE INDEX `work_on_its_way` ON `work` (`object_id`) WHERE state = 'owed' AND (task = 'reconcile' OR task = 'fulfilment-step');
--> statement-breakpoint
CREATE INDEX `work_due` ON `work` (`not_before`,`id`) WHERE state = 'owed';
--> statement-breakpoint
CREATE TABLE `new_shipments` (
	`id` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`order_version` integer NOT NULL,
	`items` text NOT NULL,
	`tracking` text,
	`carrier` text,
	`created_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `new_shipments` (id, order_id, order_version, items, tracking, carrier, created_at)
SELECT id, order_id, order_version, items, tracking, carrier, created_at FROM `shipments` ORDER BY `id`;
--> statement-breakpoint
DROP TABLE `shipments`;
--> statement-breakpoint
ALTER TABLE `new_shipments` RENAME TO `shipments`;
--> statement-breakpoint
CREATE INDEX `shipments_order` ON `shipments` (`order_id`,`created_at`);
--> statement-breakpoint
CREATE TABLE `new_returns` (
	`id` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`order_version` integer NOT NULL,
	`store_id` text NOT NULL,
	`items` text NOT NULL,
	`reason` text NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `new_returns` (id, order_id, order_version, store_id, items, reason, created_at)
SELECT id, order_id, order_version, store_id, items, reason, created_at FROM `returns` ORDER BY `id`;
--> statement-breakpoint
DROP TABLE `returns`;
--> statement-breakpoint
ALTER TABLE `new_returns` RENAME TO `returns`;
--> statement-breakpoint
CREATE INDEX `returns_order` ON `returns` (`order_id`,`created_at`);
--> statement-breakpoint
CREATE TABLE `new_carts` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text,
	`token_hash` text,
	`version` integer NOT NULL,
	`stamp` text NOT NULL,
	`merged_into` text,
	`last_order_id` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `new_carts` (id, user_id, token_hash, version, stamp, merged_into, last_order_id, created_at, updated_at)
SELECT id, user_id, token_hash, version, stamp, merged_into, last_order_id, created_at, updated_at FROM `carts` ORDER BY `id`;
--> statement-breakpoint
DROP TABLE `carts`;
--> statement-breakpoint
ALTER TABLE `new_carts` RENAME TO `carts`;
--> statement-breakpoint
CREATE INDEX `carts_token` ON `carts` (`token_hash`) WHERE token_hash IS NOT NULL;
--> statement-breakpoint
CREATE INDEX `carts_user` ON `carts` (`user_id`,`created_at`,`id`) WHERE user_id IS NOT NULL;
--> statement-breakpoint
CREATE INDEX `carts_guests_untouched` ON `carts` (`updated_at`) WHERE user_id IS NULL;
--> statement-breakpoint
CREATE INDEX `carts_users_untouched` ON `carts` (`updated_at`) WHERE user_id IS NOT NULL;
--> statement-breakpoint
CREATE TABLE `new_cart_items` (
	`cart_id` text NOT NULL,
	`product_id` text NOT NULL,
	`line` integer NOT NULL,
	`quantity` integer NOT NULL,
	`unit_price` integer NOT NULL,
	`currency` text NOT NULL,
	PRIMARY KEY(`cart_id`, `product_id`)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `new_cart_items` (cart_id, product_id, line, quantity, unit_price, currency)
SELECT cart_id, product_id, line, quantity, unit_price, currency FROM `cart_items` ORDER BY `cart_id`, `product_id`;
--> statement-breakpoint
DROP TABLE `cart_items`;
--> statement-breakpoint
ALTER TABLE `new_cart_items` RENAME TO `cart_items`;
--> statement-breakpoint
CREATE TABLE `new_payments` (
	`id` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`provider` text NOT NULL,
	`provider_id` text,
	`status` text NOT NULL,
	`amount` integer NOT NULL,
	`currency` text NOT NULL,
	`captured` integer NOT NULL,
	`refunded` integer NOT NULL,
	`client_secret` text,
	`stamp` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `new_payments` (id, order_id, provider, provider_id, status, amount, currency, captured, refunded, client_secret, stamp, created_at, updated_at)
SELECT id, order_id, provider, provider_id, status, amount, currency, captured, refunded, client_secret, stamp, created_at, updated_at FROM `payments` ORDER BY `id`;
--> statement-breakpoint
DROP TABLE `payments`;
--> statement-breakpoint
ALTER TABLE `new_payments` RENAME TO `payments`;
--> statement-breakpoint
CREATE INDEX `payments_order` ON `payments` (`order_id`,`created_at`);
--> statement-breakpoint
CREATE INDEX `payments_provider` ON `payments` (`provider`,`provider_id`);
--> statement-breakpoint
CREATE TABLE `new_payment_events` (
	`provider` text NOT NULL,
	`event_id` text NOT NULL,
	`order_id` text,
	`reference` text NOT NULL,
	`kind` text NOT NULL,
	`amount` integer NOT NULL,
	`currency` text,
	`provider_id` text,
	`refund_id` text,
	`state` text NOT NULL,
	`outcome` text,
	`operation` text NOT NULL,
	`stamp` text NOT NULL,
	`received_at` integer NOT NULL,
	PRIMARY KEY(`provider`, `event_id`)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `new_payment_events` (provider, event_id, order_id, reference, kind, amount, currency, provider_id, refund_id, state, outcome, operation, stamp, received_at)
SELECT provider, event_id, order_id, reference, kind, amount, currency, provider_id, refund_id, state, outcome, operation, stamp, received_at FROM `payment_events` ORDER BY `provider`, `event_id`;
--> statement-breakpoint
DROP TABLE `payment_events`;
--> statement-breakpoint
ALTER TABLE `new_payment_events` RENAME TO `payment_events`;
--> statement-breakpoint
CREATE INDEX `payment_events_order` ON `payment_events` (`order_id`) WHERE state = 'owed';
--> statement-breakpoint
CREATE INDEX `payment_events_flagged` ON `payment_events` (`order_id`) WHERE state = 'flagged';
--> statement-breakpoint
CREATE INDEX `payment_events_state` ON `payment_events` (`state`,`received_at`,`operation`);
--> statement-breakpoint
CREATE INDEX `payment_events_received` ON `payment_events` (`received_at`,`operation`);
--> statement-breakpoint
CREATE TABLE `new_refunds` (
	`id` text PRIMARY KEY NOT NULL,
	`payment_id` text NOT NULL,
	`order_id` text NOT NULL,
	`amount` integer NOT NULL,
	`currency` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`provider_id` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `new_refunds` (id, payment_id, order_id, amount, currency, state, reason, provider_id, created_at, updated_at)
SELECT id, payment_id, order_id, amount, currency, state, reason, provider_id, created_at, updated_at FROM `refunds` ORDER BY `id`;
--> statement-breakpoint
DROP TABLE `refunds`;
--> statement-breakpoint
ALTER TABLE `new_refunds` RENAME TO `refunds`;
--> statement-breakpoint
CREATE INDEX `refunds_order` ON `refunds` (`order_id`);
--> statement-breakpoint
CREATE INDEX `refunds_payment` ON `refunds` (`payment_id`);
--> statement-breakpoint
CREATE INDEX `refunds_promised` ON `refunds` (`created_at`);
--> statement-breakpoint
CREATE INDEX `refunds_failed` ON `refunds` (`updated_at`) WHERE state = 'failed';
--> statement-breakpoint
CREATE TABLE `new_job_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scheduled_for` integer,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`outcome` text NOT NULL,
	`detail` text
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `new_job_runs` (id, name, scheduled_for, started_at, finished_at, outcome, detail)
SELECT id, name, scheduled_for, started_at, finished_at, outcome, detail FROM `job_runs` ORDER BY `id`;
--> statement-breakpoint
DROP TABLE `job_runs`;
--> statement-breakpoint
ALTER TABLE `new_job_runs` RENAME TO `job_runs`;
--> statement-breakpoint
CREATE INDEX `job_runs_name` ON `job_runs` (`name`,`started_at`);
--> statement-breakpoint
CREATE INDEX `job_runs_at` ON `job_runs` (`started_at`);
--> statement-breakpoint
-- The next `seq` is one more than the largest, and clean-up leaves the newest event: so none is given twice, as with
-- AUTOINCREMENT, which writes a row of its own.
CREATE TABLE `new_events` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`type` text NOT NULL,
	`at` integer NOT NULL,
	`object_type` text NOT NULL,
	`object_id` text NOT NULL,
	`object_version` integer NOT NULL,
	`data` text NOT NULL
);
--> statement-breakpoint
INSERT INTO `new_events` (seq, id, type, at, object_type, object_id, object_version, data)
SELECT seq, id, type, at, object_type, object_id, object_version, data FROM `events` ORDER BY seq;
--> statement-breakpoint
DROP TABLE `events`;
--> statement-breakpoint
ALTER TABLE `new_events` RENAME TO `events`;
--> statement-breakpoint
-- What order_figures sums up besides the orders that were placed, and sold, at `created_at`.
CREATE VIEW sale_changes AS
SELECT o.sold_at AS at, o.currency, 1 AS sold, o.total_items AS units, o.total AS amount, 0 AS refunded
FROM orders AS o WHERE o.sold_at IS NOT NULL AND o.sold_at <> o.created_at
UNION ALL
SELECT o.dropped_at, o.currency, -1, -o.total_items, -o.total, 0
FROM orders AS o WHERE o.dropped_at IS NOT NULL AND o.status = 'cancelled'
UNION ALL
SELECT o.dropped_at, o.currency, 0, -c.units, -c.units * c.unit_price, 0
FROM orders AS o CROSS JOIN closed_items AS c ON c.order_id = o.id
WHERE o.dropped_at IS NOT NULL AND o.status <> 'cancelled' AND c.units > 0
UNION ALL
SELECT r.created_at, r.currency, 0, 0, 0, r.amount FROM refunds AS r
UNION ALL
SELECT r.updated_at, r.currency, 0, 0, 0, -r.amount FROM refunds AS r WHERE r.state = 'failed';
--> statement-breakpoint
-- What product_figures sums up besides them.
CREATE VIEW product_changes AS
SELECT o.sold_at AS at, i.product_id, i.quantity AS units
FROM orders AS o CROSS JOIN order_items AS i ON i.order_id = o.id
WHERE o.sold_at IS NOT NULL AND o.sold_at <> o.created_at
UNION ALL
SELECT o.dropped_at, i.product_id, -i.quantity
FROM orders AS o CROSS JOIN order_items AS i ON i.order_id = o.id
WHERE o.dropped_at IS NOT NULL AND o.status = 'cancelled'
UNION ALL
SELECT o.dropped_at, c.product_id, -c.units
FROM orders AS o CROSS JOIN closed_items AS c ON c.order_id = o.id
WHERE o.dropped_at IS NOT NULL AND o.status <> 'cancelled' AND c.units > 0;
--> statement-breakpoint
-- The order in its status and, where it is sold as it is placed, the sale: one row.
CREATE TRIGGER orders_placed AFTER INSERT ON orders BEGIN
  INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
    cancelled, expired, rejected, sold, units, amount, refunded)
  SELECT s.span, NEW.created_at - NEW.created_at % s.ms, NEW.currency,
    NEW.status = 'pending', NEW.status = 'confirmed', NEW.status = 'processing', NEW.status = 'shipped',
    NEW.status = 'delivered', NEW.status = 'returned', NEW.status = 'cancelled', NEW.status = 'expired',
    NEW.status = 'rejected',
    NEW.sold_at IS NEW.created_at, iif(NEW.sold_at IS NEW.created_at, NEW.total_items, 0), iif(NEW.sold_at IS NEW.created_at, NEW.total, 0), 0
  FROM figure_spans AS s WHERE NEW.created_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET
    pending = pending + excluded.pending, confirmed = confirmed + excluded.confirmed,
    processing = processing + excluded.processing, shipped = shipped + excluded.shipped,
    delivered = delivered + excluded.delivered, returned = returned + excluded.returned,
    cancelled = cancelled + excluded.cancelled, expired = expired + excluded.expired,
    rejected = rejected + excluded.rejected,
    sold = sold + excluded.sold, units = units + excluded.units,
    amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
--> statement-breakpoint
CREATE TRIGGER orders_moved AFTER UPDATE OF status ON orders WHEN OLD.status <> NEW.status BEGIN
  INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
    cancelled, expired, rejected, sold, units, amount, refunded)
  SELECT s.span, NEW.created_at - NEW.created_at % s.ms, NEW.currency,
    (NEW.status = 'pending') - (OLD.status = 'pending'), (NEW.status = 'confirmed') - (OLD.status = 'confirmed'),
    (NEW.status = 'processing') - (OLD.status = 'processing'), (NEW.status = 'shipped') - (OLD.status = 'shipped'),
    (NEW.status = 'delivered') - (OLD.status = 'delivered'), (NEW.status = 'returned') - (OLD.status = 'returned'),
    (NEW.status = 'cancelled') - (OLD.status = 'cancelled'), (NEW.status = 'expired') - (OLD.status = 'expired'),
    (NEW.status = 'rejected') - (OLD.status = 'rejected'), 0, 0, 0, 0
  FROM figure_spans AS s WHERE NEW.created_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET
    pending = pending + excluded.pending, confirmed = confirmed + excluded.confirmed,
    processing = processing + excluded.processing, shipped = shipped + excluded.shipped,
    delivered = delivered + excluded.delivered, returned = returned + excluded.returned,
    cancelled = cancelled + excluded.cancelled, expired = expired + excluded.expired,
    rejected = rejected + excluded.rejected;
END;
--> statement-breakpoint
-- One that was sold at another time: such as a restore loads.
CREATE TRIGGER orders_sold_at_once AFTER INSERT ON orders
WHEN NEW.sold_at IS NOT NULL AND NEW.sold_at <> NEW.created_at BEGIN
  INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
    cancelled, expired, rejected, sold, units, amount, refunded)
  SELECT s.span, NEW.sold_at - NEW.sold_at % s.ms, NEW.currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, NEW.total_items, NEW.total, 0
  FROM figure_spans AS s WHERE NEW.sold_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET sold = sold + excluded.sold, units = units + excluded.units,
    amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
--> statement-breakpoint
-- An order that is born sold gets its items after it: the trigger of the items counts their units.
CREATE TRIGGER items_sold_at_once AFTER INSERT ON order_items
WHEN (SELECT sold_at FROM orders WHERE id = NEW.order_id) IS NOT NULL BEGIN
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, o.sold_at - o.sold_at % s.ms, NEW.product_id, NEW.quantity
  FROM orders AS o JOIN product_spans AS s WHERE o.id = NEW.order_id AND o.sold_at < s.before
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
CREATE TRIGGER orders_sold_later AFTER UPDATE OF sold_at ON orders
WHEN OLD.sold_at IS NULL AND NEW.sold_at IS NOT NULL BEGIN
  INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
    cancelled, expired, rejected, sold, units, amount, refunded)
  SELECT s.span, NEW.sold_at - NEW.sold_at % s.ms, NEW.currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, NEW.total_items, NEW.total, 0
  FROM figure_spans AS s WHERE NEW.sold_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET sold = sold + excluded.sold, units = units + excluded.units,
    amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, NEW.sold_at - NEW.sold_at % s.ms, i.product_id, i.quantity
  FROM order_items AS i JOIN product_spans AS s WHERE i.order_id = NEW.id AND NEW.sold_at < s.before
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
-- The step that cancels it says when, which saves this trigger's own write.
CREATE TRIGGER orders_cancelled AFTER UPDATE OF status ON orders
WHEN NEW.status = 'cancelled' AND OLD.status <> 'cancelled' AND NEW.sold_at IS NOT NULL BEGIN
  UPDATE orders SET dropped_at = NEW.status_at WHERE id = NEW.id AND dropped_at IS NOT NEW.status_at;
  INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
    cancelled, expired, rejected, sold, units, amount, refunded)
  SELECT s.span, NEW.status_at - NEW.status_at % s.ms, NEW.currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -NEW.total_items, -NEW.total, 0
  FROM figure_spans AS s WHERE NEW.status_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET sold = sold + excluded.sold, units = units + excluded.units,
    amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, NEW.status_at - NEW.status_at % s.ms, i.product_id, -i.quantity
  FROM order_items AS i JOIN product_spans AS s WHERE i.order_id = NEW.id AND NEW.status_at < s.before
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
-- Only closing takes off what is allocated: shipping raises what of it has left, and a revival finds as much elsewhere.
CREATE TRIGGER items_closed AFTER UPDATE OF allocations ON order_items
WHEN (SELECT coalesce(sum(value ->> 'quantity'), 0) FROM json_each(NEW.allocations))
    < (SELECT coalesce(sum(value ->> 'quantity'), 0) FROM json_each(OLD.allocations))
  AND (SELECT sold_at FROM orders WHERE id = NEW.order_id) IS NOT NULL BEGIN
  UPDATE orders SET dropped_at = updated_at WHERE id = NEW.order_id AND dropped_at IS NOT updated_at;
  INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
    cancelled, expired, rejected, sold, units, amount, refunded)
  SELECT s.span, o.dropped_at - o.dropped_at % s.ms, o.currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -c.units, -c.units * c.unit_price, 0
  FROM orders AS o JOIN closed_items AS c ON c.order_id = o.id AND c.product_id = NEW.product_id
    JOIN figure_spans AS s WHERE o.id = NEW.order_id AND o.dropped_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET sold = sold + excluded.sold, units = units + excluded.units,
    amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, o.dropped_at - o.dropped_at % s.ms, c.product_id, -c.units
  FROM orders AS o JOIN closed_items AS c ON c.order_id = o.id AND c.product_id = NEW.product_id
    JOIN product_spans AS s WHERE o.id = NEW.order_id AND o.dropped_at < s.before
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
CREATE TRIGGER refunds_promised AFTER INSERT ON refunds BEGIN
  INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
    cancelled, expired, rejected, sold, units, amount, refunded)
  SELECT s.span, NEW.created_at - NEW.created_at % s.ms, NEW.currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NEW.amount
  FROM figure_spans AS s WHERE NEW.created_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET sold = sold + excluded.sold, units = units + excluded.units,
    amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
--> statement-breakpoint
-- Its money stays: it may be promised again, and counts again then.
CREATE TRIGGER refunds_failed AFTER UPDATE OF state ON refunds WHEN NEW.state = 'failed' AND OLD.state <> 'failed' BEGIN
  INSERT INTO order_figures (span, start, currency, pending, confirmed, processing, shipped, delivered, returned,
    cancelled, expired, rejected, sold, units, amount, refunded)
  SELECT s.span, NEW.updated_at - NEW.updated_at % s.ms, NEW.currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -NEW.amount
  FROM figure_spans AS s WHERE NEW.updated_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET sold = sold + excluded.sold, units = units + excluded.units,
    amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
