import { columnsOf, insertList, jsonValues, selectList } from "../platform/columns.ts";
import { joined, sql, trusted } from "../platform/sql.ts";
import type { Customer, Order, OrderItem, ShippingAddress } from "./order.ts";
import type { RefundLine } from "./refund-due.ts";
import { orderItems, orders } from "./tables.ts";
import { customerWords } from "./words.ts";

/**
 * What an order is in D1 and in the program, once: the columns come from the tables, and there is one mapping each way.
 * A new column of `orders` is read and inserted unless it is named below as one that is not; the compiler then asks for
 * it in `Order`, or in `rowsOf`.
 */

const {
  // Kept by what happens to an order, not by its placing: they begin as the table says.
  revivalClaim,
  eventsOwed,
  delayedAt,
  delayedRetries,
  droppedAt,
  placedAs,
  ...inserted
} = columnsOf(orders);

const {
  // For lists, sweeps and figures alone.
  customerEmail,
  customerWords: _customerWords,
  placedFrom: _placedFrom,
  statusAt,
  soldAt,
  ...read
} = inserted;

const { orderId, line, ...itemRead } = columnsOf(orderItems);

type OrderColumns = typeof orders.$inferSelect;

/** An order and its items in one row, with what its payments have come to: null where nobody has paid. */
export type OrderRow = Pick<OrderColumns, keyof typeof read> & {
  items: string;
  money: string | null;
  refundedItems: string | null;
};

/** An order and its items in one row, for `SELECT ${ORDER_COLUMNS} FROM orders AS o`. */
const ITEM_PAIRS = joined(
  Object.entries(itemRead).map(([key, { name }]) =>
    trusted(`'${key}', ${key === "allocations" ? `json(i.${name})` : `i.${name}`}`),
  ),
);

/** Asks for nothing more where nothing was captured. What was given back apart from the order's money does not count. */
const IF_PAID = trusted("CASE WHEN o.payment_status NOT IN ('none', 'awaiting', 'failed') THEN");

export const ORDER_COLUMNS = sql`${selectList(read, "o")},
  (SELECT json_group_array(json_object(${ITEM_PAIRS}) ORDER BY i.line)
   FROM order_items AS i WHERE i.order_id = o.id) AS items,
  ${IF_PAID} (SELECT json_object('captured', coalesce(sum(p.captured), 0), 'refunded', coalesce(sum(p.refunded), 0))
    FROM payments AS p WHERE p.order_id = o.id AND p.status <> 'given_back') END AS money,
  ${IF_PAID} (SELECT json_group_array(json(r.items)) FROM refunds AS r
    WHERE r.order_id = o.id AND r.items IS NOT NULL AND r.state <> 'failed') END AS refundedItems`;

export const NEW_ORDER = { columns: insertList(inserted), values: jsonValues(inserted) };

export const NEW_ITEM = {
  columns: insertList(columnsOf(orderItems)),
  values: jsonValues(columnsOf(orderItems)),
};

export function orderOf({ money, refundedItems, ...row }: OrderRow): Order {
  const { captured, refunded }: Pick<Order, "captured" | "refunded"> =
    money === null ? { captured: 0, refunded: 0 } : JSON.parse(money);
  return {
    ...row,
    captured,
    refunded,
    refundedUnits: unitsNamed(JSON.parse(refundedItems ?? "[]") as RefundLine[][]),
    customer: JSON.parse(row.customer) as Customer,
    shippingAddress:
      row.shippingAddress === null ? null : (JSON.parse(row.shippingAddress) as ShippingAddress),
    metadata: row.metadata === null ? null : (JSON.parse(row.metadata) as Record<string, unknown>),
    items: JSON.parse(row.items) as OrderItem[],
  };
}

function unitsNamed(refunds: RefundLine[][]): Record<string, number> {
  const units: Record<string, number> = {};
  for (const { product_id, quantity } of refunds.flat())
    units[product_id] = (units[product_id] ?? 0) + quantity;
  return units;
}

/**
 * The rows of a new order, as its statements read them.
 * @param placedFrom of the column
 * @param stamp of the commit that records it
 */
export function rowsOf(
  { items, captured, refunded, refundedUnits, ...order }: Order,
  placedFrom: string | null,
  stamp: string,
) {
  const row: Pick<OrderColumns, keyof typeof inserted> = {
    ...order,
    customer: JSON.stringify(order.customer),
    customerEmail: order.customer.email.toLowerCase(),
    customerWords: customerWords(order.customer),
    shippingAddress: order.shippingAddress && JSON.stringify(order.shippingAddress),
    metadata: order.metadata && JSON.stringify(order.metadata),
    placedFrom,
    stamp,
    statusAt: order.createdAt,
    soldAt: order.status === "confirmed" ? order.createdAt : null,
  };
  const itemRows: (typeof orderItems.$inferSelect)[] = items.map((item, line) => ({
    ...item,
    orderId: order.id,
    line,
    allocations: JSON.stringify(item.allocations),
  }));
  return { row, itemRows };
}
