-- A sale writes a quarter of an hour and a product's day. What long ranges are read from, the days of orders and of sales
-- and the sums of products, is made of these when a day is over (src/orders/statistics/add-up.ts): `figures_added_up` says
-- up to where. What changes an order of a day that is added up changes both.
--
-- So far all days were kept with each sale: they are added up, the last of them too.
INSERT INTO figures_added_up (id, until)
SELECT 1, coalesce(max(start) - max(start) % 86400000 + 86400000, 0) FROM (
  SELECT max(start) AS start FROM order_figures UNION ALL SELECT max(start) FROM sale_figures
  UNION ALL SELECT max(start) FROM product_figures WHERE span = 'day');
--> statement-breakpoint
DROP VIEW figure_spans;
--> statement-breakpoint
DROP VIEW product_spans;
--> statement-breakpoint
-- The buckets that a moment lies in, if it is `before` this: `moment - moment % ms` is where they start.
CREATE VIEW figure_spans AS SELECT 'quarter' AS span, 900000 AS ms, 9007199254740991 AS before
UNION ALL SELECT 'day', 86400000, until FROM figures_added_up;
--> statement-breakpoint
-- `all` is longer than any moment is from 1970: it starts there.
CREATE VIEW product_spans AS SELECT 'day' AS span, 86400000 AS ms, 9007199254740991 AS before
UNION ALL SELECT 'all', 9007199254740991, until FROM figures_added_up;
--> statement-breakpoint
DROP TRIGGER orders_placed;
--> statement-breakpoint
CREATE TRIGGER orders_placed AFTER INSERT ON orders BEGIN
  INSERT INTO order_figures (span, start, pending, confirmed, processing, shipped, delivered, returned, cancelled,
    expired, rejected)
  SELECT s.span, NEW.created_at - NEW.created_at % s.ms,
    NEW.status = 'pending', NEW.status = 'confirmed', NEW.status = 'processing', NEW.status = 'shipped',
    NEW.status = 'delivered', NEW.status = 'returned', NEW.status = 'cancelled', NEW.status = 'expired',
    NEW.status = 'rejected'
  FROM figure_spans AS s WHERE NEW.created_at < s.before
  ON CONFLICT (span, start) DO UPDATE SET
    pending = pending + excluded.pending, confirmed = confirmed + excluded.confirmed,
    processing = processing + excluded.processing, shipped = shipped + excluded.shipped,
    delivered = delivered + excluded.delivered, returned = returned + excluded.returned,
    cancelled = cancelled + excluded.cancelled, expired = expired + excluded.expired,
    rejected = rejected + excluded.rejected;
END;
--> statement-breakpoint
DROP TRIGGER orders_moved;
--> statement-breakpoint
CREATE TRIGGER orders_moved AFTER UPDATE OF status ON orders WHEN OLD.status <> NEW.status BEGIN
  INSERT INTO order_figures (span, start, pending, confirmed, processing, shipped, delivered, returned, cancelled,
    expired, rejected)
  SELECT s.span, NEW.created_at - NEW.created_at % s.ms,
    (NEW.status = 'pending') - (OLD.status = 'pending'), (NEW.status = 'confirmed') - (OLD.status = 'confirmed'),
    (NEW.status = 'processing') - (OLD.status = 'processing'), (NEW.status = 'shipped') - (OLD.status = 'shipped'),
    (NEW.status = 'delivered') - (OLD.status = 'delivered'), (NEW.status = 'returned') - (OLD.status = 'returned'),
    (NEW.status = 'cancelled') - (OLD.status = 'cancelled'), (NEW.status = 'expired') - (OLD.status = 'expired'),
    (NEW.status = 'rejected') - (OLD.status = 'rejected')
  FROM figure_spans AS s WHERE NEW.created_at < s.before
  ON CONFLICT (span, start) DO UPDATE SET
    pending = pending + excluded.pending, confirmed = confirmed + excluded.confirmed,
    processing = processing + excluded.processing, shipped = shipped + excluded.shipped,
    delivered = delivered + excluded.delivered, returned = returned + excluded.returned,
    cancelled = cancelled + excluded.cancelled, expired = expired + excluded.expired,
    rejected = rejected + excluded.rejected;
END;
--> statement-breakpoint
DROP TRIGGER orders_sold_at_once;
--> statement-breakpoint
-- An order that is born sold gets its items after it: the trigger of the items counts their units.
CREATE TRIGGER orders_sold_at_once AFTER INSERT ON orders WHEN NEW.sold_at IS NOT NULL BEGIN
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.sold_at - NEW.sold_at % s.ms, NEW.currency, 1, NEW.total_items, NEW.total, 0
  FROM figure_spans AS s WHERE NEW.sold_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
--> statement-breakpoint
DROP TRIGGER items_sold_at_once;
--> statement-breakpoint
CREATE TRIGGER items_sold_at_once AFTER INSERT ON order_items
WHEN (SELECT sold_at FROM orders WHERE id = NEW.order_id) IS NOT NULL BEGIN
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, o.sold_at - o.sold_at % s.ms, NEW.product_id, NEW.quantity
  FROM orders AS o JOIN product_spans AS s WHERE o.id = NEW.order_id AND o.sold_at < s.before
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
DROP TRIGGER orders_sold_later;
--> statement-breakpoint
CREATE TRIGGER orders_sold_later AFTER UPDATE OF sold_at ON orders
WHEN OLD.sold_at IS NULL AND NEW.sold_at IS NOT NULL BEGIN
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.sold_at - NEW.sold_at % s.ms, NEW.currency, 1, NEW.total_items, NEW.total, 0
  FROM figure_spans AS s WHERE NEW.sold_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, NEW.sold_at - NEW.sold_at % s.ms, i.product_id, i.quantity
  FROM order_items AS i JOIN product_spans AS s WHERE i.order_id = NEW.id AND NEW.sold_at < s.before
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
DROP TRIGGER orders_cancelled;
--> statement-breakpoint
CREATE TRIGGER orders_cancelled AFTER UPDATE OF status ON orders
WHEN NEW.status = 'cancelled' AND OLD.status <> 'cancelled' AND NEW.sold_at IS NOT NULL BEGIN
  UPDATE orders SET dropped_at = NEW.status_at WHERE id = NEW.id;
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.status_at - NEW.status_at % s.ms, NEW.currency, -1, -NEW.total_items, -NEW.total, 0
  FROM figure_spans AS s WHERE NEW.status_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, NEW.status_at - NEW.status_at % s.ms, i.product_id, -i.quantity
  FROM order_items AS i JOIN product_spans AS s WHERE i.order_id = NEW.id AND NEW.status_at < s.before
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
DROP TRIGGER items_closed;
--> statement-breakpoint
-- Only closing takes off what is allocated: shipping raises what of it has left, and a revival finds as much elsewhere.
CREATE TRIGGER items_closed AFTER UPDATE OF allocations ON order_items
WHEN (SELECT coalesce(sum(value ->> 'quantity'), 0) FROM json_each(NEW.allocations))
    < (SELECT coalesce(sum(value ->> 'quantity'), 0) FROM json_each(OLD.allocations))
  AND (SELECT sold_at FROM orders WHERE id = NEW.order_id) IS NOT NULL BEGIN
  UPDATE orders SET dropped_at = updated_at WHERE id = NEW.order_id;
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, o.dropped_at - o.dropped_at % s.ms, o.currency, 0, -c.units, -c.units * c.unit_price, 0
  FROM orders AS o JOIN closed_items AS c ON c.order_id = o.id AND c.product_id = NEW.product_id
    JOIN figure_spans AS s WHERE o.id = NEW.order_id AND o.dropped_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, o.dropped_at - o.dropped_at % s.ms, c.product_id, -c.units
  FROM orders AS o JOIN closed_items AS c ON c.order_id = o.id AND c.product_id = NEW.product_id
    JOIN product_spans AS s WHERE o.id = NEW.order_id AND o.dropped_at < s.before
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
DROP TRIGGER refunds_promised;
--> statement-breakpoint
CREATE TRIGGER refunds_promised AFTER INSERT ON refunds BEGIN
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.created_at - NEW.created_at % s.ms, NEW.currency, 0, 0, 0, NEW.amount
  FROM figure_spans AS s WHERE NEW.created_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
--> statement-breakpoint
DROP TRIGGER refunds_failed;
--> statement-breakpoint
-- Its money stays: it may be promised again, and counts again then.
CREATE TRIGGER refunds_failed AFTER UPDATE OF state ON refunds WHEN NEW.state = 'failed' AND OLD.state <> 'failed' BEGIN
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.updated_at - NEW.updated_at % s.ms, NEW.currency, 0, 0, 0, -NEW.amount
  FROM figure_spans AS s WHERE NEW.updated_at < s.before
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
