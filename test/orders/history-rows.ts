/**
 * All versions of all orders, to select from: the rows of `order_history`, and the first version of each order, which stands
 * in the order itself or in the row of its second version.
 */
export const HISTORY = `(
  SELECT order_id, version, from_status, to_status, at, actor, reason, operation, snapshot FROM order_history
  UNION ALL
  SELECT o.id, 1, NULL, coalesce(two.placed_as ->> 'status', o.status), o.created_at, o.placed_by, NULL, NULL,
    coalesce(two.placed_as, json_object('status', o.status, 'payment_status', o.payment_status, 'total', o.total,
      'currency', o.currency, 'expires_at', o.expires_at))
  FROM orders AS o LEFT JOIN order_history AS two ON two.order_id = o.id AND two.version = 2
  WHERE o.placed_by IS NOT NULL AND (o.version = 1 OR two.placed_as IS NOT NULL))`;
