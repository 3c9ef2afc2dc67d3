-- ISO 4217 gives MGA and MRU two digits; until here their amounts were stored with one. Whatever stores minor units in one of
-- them is multiplied by ten: 12.5 ariary stay 12.5. What is stored as a decimal (answers under keys, mails, reports, the
-- history of products) says the same as before. A shop that sells in one of the two stops selling before this is applied
-- and until its new Worker is there, since the Worker before counts by the old digits.
UPDATE products SET price = price * 10 WHERE currency IN ('MGA', 'MRU');
--> statement-breakpoint
UPDATE cart_items SET unit_price = unit_price * 10 WHERE currency IN ('MGA', 'MRU');
--> statement-breakpoint
UPDATE order_items SET unit_price = unit_price * 10
WHERE order_id IN (SELECT id FROM orders WHERE currency IN ('MGA', 'MRU'));
--> statement-breakpoint
UPDATE order_history SET snapshot = json_set(snapshot, '$.total', (snapshot ->> '$.total') * 10),
  placed_as = CASE WHEN placed_as IS NOT NULL THEN json_set(placed_as, '$.total', (placed_as ->> '$.total') * 10) END
WHERE order_id IN (SELECT id FROM orders WHERE currency IN ('MGA', 'MRU'));
--> statement-breakpoint
UPDATE orders SET subtotal = subtotal * 10, shipping = shipping * 10, tax = tax * 10, duty = duty * 10, total = total * 10,
  placed_as = CASE WHEN placed_as IS NOT NULL THEN json_set(placed_as, '$.total', (placed_as ->> '$.total') * 10) END
WHERE currency IN ('MGA', 'MRU');
--> statement-breakpoint
-- Figures are kept by triggers on what is placed, moves and is promised, and not on a total that is counted anew.
UPDATE order_figures SET amount = amount * 10, refunded = refunded * 10 WHERE currency IN ('MGA', 'MRU');
--> statement-breakpoint
UPDATE payments SET amount = amount * 10, captured = captured * 10, refunded = refunded * 10
WHERE currency IN ('MGA', 'MRU');
--> statement-breakpoint
UPDATE refunds SET amount = amount * 10, items = CASE WHEN items IS NOT NULL THEN (
    SELECT json_group_array(json_set(line.value, '$.amount', (line.value ->> '$.amount') * 10) ORDER BY line.key)
    FROM json_each(refunds.items) AS line) END
WHERE currency IN ('MGA', 'MRU');
--> statement-breakpoint
-- An event without a currency is of its order's.
UPDATE payment_events SET amount = amount * 10
WHERE upper(coalesce(currency, (SELECT o.currency FROM orders AS o WHERE o.id = payment_events.order_id),
  (SELECT o.currency FROM orders AS o WHERE o.reference = upper(payment_events.reference)),
  (SELECT o.currency FROM orders AS o WHERE o.id = payment_events.reference))) IN ('MGA', 'MRU');
--> statement-breakpoint
-- The one task that names an amount.
UPDATE work SET payload = json_set(payload, '$.amount', (payload ->> '$.amount') * 10)
WHERE task = 'refund' AND json_type(payload, '$.amount') = 'integer'
  AND payload ->> '$.order_id' IN (SELECT id FROM orders WHERE currency IN ('MGA', 'MRU'));
--> statement-breakpoint
-- The log: amounts of orders and their money. Those of products are decimals.
UPDATE events SET data = json_replace(data, '$.total', (data ->> '$.total') * 10, '$.refund', (data ->> '$.refund') * 10)
WHERE object_type = 'order' AND object_id IN (SELECT id FROM orders WHERE currency IN ('MGA', 'MRU'))
  AND (json_type(data, '$.total') = 'integer' OR json_type(data, '$.refund') = 'integer');
--> statement-breakpoint
UPDATE events SET data = json_replace(data, '$.amount', (data ->> '$.amount') * 10)
WHERE json_type(data, '$.amount') = 'integer'
  AND coalesce(data ->> '$.currency', (SELECT o.currency FROM orders AS o WHERE o.id = events.object_id)) IN ('MGA', 'MRU');
--> statement-breakpoint
UPDATE events SET data = json_replace(data, '$.items', json((
    SELECT json_group_array(json_replace(line.value, '$.amount', (line.value ->> '$.amount') * 10) ORDER BY line.key)
    FROM json_each(events.data, '$.items') AS line)))
WHERE object_type = 'order' AND type = 'payment.refund_due' AND json_type(data, '$.items') = 'array'
  AND object_id IN (SELECT id FROM orders WHERE currency IN ('MGA', 'MRU'));
