-- Figures of the orders, kept by triggers: whatever changes an order, its figures change with it in the same
-- transaction, and a batch that wins no order changes none. They are what the orders say at any time, so they can be
-- made again from them (src/orders/statistics/rebuild.ts, by the views of this file).
--
-- Orders by status count where they were placed. Sales count where they were made (`orders.sold_at`): who pays at ten
-- past midnight is in the next day's. What of them is cancelled or closed later is taken off later, where that happened
-- (`orders.dropped_at`): a day that is over keeps its figures, and all days together add up to what is sold.

-- When the orders that are here became sold: by their history, and where that was cleaned up, when they were placed.
UPDATE orders SET sold_at = coalesce(
  (SELECT min(h.at) FROM order_history AS h WHERE h.order_id = orders.id AND h.to_status = 'confirmed'), created_at)
WHERE status IN ('confirmed', 'processing', 'shipped', 'delivered', 'returned')
  OR status = 'cancelled' AND (payment_method <> 'card' OR EXISTS (
    SELECT 1 FROM order_history AS h WHERE h.order_id = orders.id AND h.to_status = 'confirmed'));
--> statement-breakpoint
UPDATE orders SET dropped_at = status_at WHERE status = 'cancelled' AND sold_at IS NOT NULL;
--> statement-breakpoint
-- Units of an item that nothing is allocated for: of a sold order, those that were closed.
CREATE VIEW closed_items AS
SELECT i.order_id, i.product_id, i.unit_price, i.quantity - (
    SELECT coalesce(sum(a.value ->> 'quantity'), 0)
    FROM json_each(iif(json_valid(i.allocations), i.allocations, '[]')) AS a) AS units
FROM order_items AS i;
--> statement-breakpoint
UPDATE orders SET dropped_at = coalesce(
  (SELECT min(h.at) FROM order_history AS h WHERE h.order_id = orders.id AND h.to_status = 'shipped'), status_at)
WHERE status IN ('shipped', 'delivered', 'returned')
  AND EXISTS (SELECT 1 FROM closed_items AS c WHERE c.order_id = orders.id AND c.units > 0);
--> statement-breakpoint
-- The buckets that a moment lies in: `moment - moment % ms` is where they start.
CREATE VIEW figure_spans AS SELECT 'quarter' AS span, 900000 AS ms UNION ALL SELECT 'day', 86400000;
--> statement-breakpoint
-- `all` is longer than any moment is from 1970: it starts there.
CREATE VIEW product_spans AS SELECT 'day' AS span, 86400000 AS ms UNION ALL SELECT 'all', 9007199254740991;
--> statement-breakpoint
-- What sale_figures sums up: what was sold, cancelled, closed, promised back, and what of that failed.
CREATE VIEW sale_changes AS
SELECT o.sold_at AS at, o.currency, 1 AS orders, o.total_items AS units, o.total AS amount, 0 AS refunded
FROM orders AS o WHERE o.sold_at IS NOT NULL
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
-- What product_figures sums up.
CREATE VIEW product_changes AS
SELECT o.sold_at AS at, i.product_id, i.quantity AS units
FROM orders AS o CROSS JOIN order_items AS i ON i.order_id = o.id WHERE o.sold_at IS NOT NULL
UNION ALL
SELECT o.dropped_at, i.product_id, -i.quantity
FROM orders AS o CROSS JOIN order_items AS i ON i.order_id = o.id
WHERE o.dropped_at IS NOT NULL AND o.status = 'cancelled'
UNION ALL
SELECT o.dropped_at, c.product_id, -c.units
FROM orders AS o CROSS JOIN closed_items AS c ON c.order_id = o.id
WHERE o.dropped_at IS NOT NULL AND o.status <> 'cancelled' AND c.units > 0;
--> statement-breakpoint
INSERT INTO order_figures (span, start, pending, confirmed, processing, shipped, delivered, returned, cancelled,
    expired, rejected)
SELECT s.span, o.created_at - o.created_at % s.ms,
  sum(o.status = 'pending'), sum(o.status = 'confirmed'), sum(o.status = 'processing'), sum(o.status = 'shipped'),
  sum(o.status = 'delivered'), sum(o.status = 'returned'), sum(o.status = 'cancelled'), sum(o.status = 'expired'),
  sum(o.status = 'rejected')
FROM orders AS o JOIN figure_spans AS s GROUP BY 1, 2;
--> statement-breakpoint
INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
SELECT s.span, c.at - c.at % s.ms, c.currency, sum(c.orders), sum(c.units), sum(c.amount), sum(c.refunded)
FROM sale_changes AS c JOIN figure_spans AS s GROUP BY 1, 2, 3;
--> statement-breakpoint
INSERT INTO product_figures (span, start, product_id, units)
SELECT s.span, c.at - c.at % s.ms, c.product_id, sum(c.units)
FROM product_changes AS c JOIN product_spans AS s GROUP BY 1, 2, 3;
--> statement-breakpoint
CREATE TRIGGER orders_placed AFTER INSERT ON orders BEGIN
  INSERT INTO order_figures (span, start, pending, confirmed, processing, shipped, delivered, returned, cancelled,
    expired, rejected)
  SELECT s.span, NEW.created_at - NEW.created_at % s.ms,
    NEW.status = 'pending', NEW.status = 'confirmed', NEW.status = 'processing', NEW.status = 'shipped',
    NEW.status = 'delivered', NEW.status = 'returned', NEW.status = 'cancelled', NEW.status = 'expired',
    NEW.status = 'rejected'
  FROM figure_spans AS s WHERE true
  ON CONFLICT (span, start) DO UPDATE SET
    pending = pending + excluded.pending, confirmed = confirmed + excluded.confirmed,
    processing = processing + excluded.processing, shipped = shipped + excluded.shipped,
    delivered = delivered + excluded.delivered, returned = returned + excluded.returned,
    cancelled = cancelled + excluded.cancelled, expired = expired + excluded.expired,
    rejected = rejected + excluded.rejected;
END;
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
  FROM figure_spans AS s WHERE true
  ON CONFLICT (span, start) DO UPDATE SET
    pending = pending + excluded.pending, confirmed = confirmed + excluded.confirmed,
    processing = processing + excluded.processing, shipped = shipped + excluded.shipped,
    delivered = delivered + excluded.delivered, returned = returned + excluded.returned,
    cancelled = cancelled + excluded.cancelled, expired = expired + excluded.expired,
    rejected = rejected + excluded.rejected;
END;
--> statement-breakpoint
-- Whoever makes an order sold need not say when. The batch that places one does, which saves this write.
CREATE TRIGGER orders_sold_unsaid_at_once AFTER INSERT ON orders
WHEN NEW.sold_at IS NULL AND NEW.status IN ('confirmed', 'processing', 'shipped', 'delivered', 'returned') BEGIN
  UPDATE orders SET sold_at = NEW.status_at WHERE id = NEW.id;
END;
--> statement-breakpoint
CREATE TRIGGER orders_sold_unsaid AFTER UPDATE OF status ON orders
WHEN NEW.sold_at IS NULL AND NEW.status IN ('confirmed', 'processing', 'shipped', 'delivered', 'returned') BEGIN
  UPDATE orders SET sold_at = NEW.status_at WHERE id = NEW.id;
END;
--> statement-breakpoint
-- An order that is born sold gets its items after it: the trigger of the items counts their units.
CREATE TRIGGER orders_sold_at_once AFTER INSERT ON orders WHEN NEW.sold_at IS NOT NULL BEGIN
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.sold_at - NEW.sold_at % s.ms, NEW.currency, 1, NEW.total_items, NEW.total, 0
  FROM figure_spans AS s WHERE true
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
--> statement-breakpoint
CREATE TRIGGER items_sold_at_once AFTER INSERT ON order_items
WHEN (SELECT sold_at FROM orders WHERE id = NEW.order_id) IS NOT NULL BEGIN
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, o.sold_at - o.sold_at % s.ms, NEW.product_id, NEW.quantity
  FROM orders AS o JOIN product_spans AS s WHERE o.id = NEW.order_id
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
CREATE TRIGGER orders_sold_later AFTER UPDATE OF sold_at ON orders
WHEN OLD.sold_at IS NULL AND NEW.sold_at IS NOT NULL BEGIN
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.sold_at - NEW.sold_at % s.ms, NEW.currency, 1, NEW.total_items, NEW.total, 0
  FROM figure_spans AS s WHERE true
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, NEW.sold_at - NEW.sold_at % s.ms, i.product_id, i.quantity
  FROM order_items AS i JOIN product_spans AS s WHERE i.order_id = NEW.id
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
CREATE TRIGGER orders_cancelled AFTER UPDATE OF status ON orders
WHEN NEW.status = 'cancelled' AND OLD.status <> 'cancelled' AND NEW.sold_at IS NOT NULL BEGIN
  UPDATE orders SET dropped_at = NEW.status_at WHERE id = NEW.id;
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.status_at - NEW.status_at % s.ms, NEW.currency, -1, -NEW.total_items, -NEW.total, 0
  FROM figure_spans AS s WHERE true
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, NEW.status_at - NEW.status_at % s.ms, i.product_id, -i.quantity
  FROM order_items AS i JOIN product_spans AS s WHERE i.order_id = NEW.id
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
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
    JOIN figure_spans AS s WHERE o.id = NEW.order_id
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
  INSERT INTO product_figures (span, start, product_id, units)
  SELECT s.span, o.dropped_at - o.dropped_at % s.ms, c.product_id, -c.units
  FROM orders AS o JOIN closed_items AS c ON c.order_id = o.id AND c.product_id = NEW.product_id
    JOIN product_spans AS s WHERE o.id = NEW.order_id
  ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units;
END;
--> statement-breakpoint
CREATE TRIGGER refunds_promised AFTER INSERT ON refunds BEGIN
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.created_at - NEW.created_at % s.ms, NEW.currency, 0, 0, 0, NEW.amount
  FROM figure_spans AS s WHERE true
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
--> statement-breakpoint
-- Its money stays: it may be promised again, and counts again then.
CREATE TRIGGER refunds_failed AFTER UPDATE OF state ON refunds WHEN NEW.state = 'failed' AND OLD.state <> 'failed' BEGIN
  INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
  SELECT s.span, NEW.updated_at - NEW.updated_at % s.ms, NEW.currency, 0, 0, 0, -NEW.amount
  FROM figure_spans AS s WHERE true
  ON CONFLICT (span, start, currency) DO UPDATE SET orders = orders + excluded.orders,
    units = units + excluded.units, amount = amount + excluded.amount, refunded = refunded + excluded.refunded;
END;
