import type { Order } from "./order.ts";
import { closedUnits } from "./units.ts";

/** Units that a refund names, and how much of it is for them, in minor units. */
export interface RefundLine {
  product_id: string;
  quantity: number;
  amount: number;
}

/** What is to go back, in minor units of the order's currency, and for which units. */
export interface DueBack {
  amount: number;
  items: RefundLine[];
}

/** Units by product. */
export type Units = ReadonlyMap<string, number>;

type Paid = Pick<Order, "status" | "total" | "captured" | "refunded" | "refundedUnits" | "items">;

const NOTHING: DueBack = { amount: 0, items: [] };

/**
 * What goes back because these units are given up or came back: their price, less what was refunded for them by name; and no
 * more than the shop keeps beyond what is still the buyer's, since a refund that named no units may have been for these.
 *
 * Units of one product are alike. So of a product the first that are gone are those that were refunded by name, and only what
 * is gone beyond these costs the shop anything more. A unit that was refunded by name and that the buyer keeps all the same
 * was a gift: it takes nothing off what is due for other units. Pure.
 * @param gone units that are given up or came back before this, by product
 * @param going those that are given up or come back by this
 */
export function dueBack(order: Paid, gone: Units, going: Units): DueBack {
  const covered = (productId: string, more: number) =>
    Math.max((gone.get(productId) ?? 0) + more, order.refundedUnits[productId] ?? 0);
  let buyers = order.total;
  const lines = order.items.flatMap(({ productId, unitPrice }) => {
    const after = covered(productId, going.get(productId) ?? 0);
    buyers -= unitPrice * after;
    const quantity = after - covered(productId, 0);
    return quantity > 0 ? [{ productId, unitPrice, quantity }] : [];
  });
  const beyond = order.captured - order.refunded - buyers;
  return shared(lines, Math.min(beyond, worthOf(lines)));
}

/** What goes back of a cancelled order: all that is left of its money, for all units that were not refunded by name. Pure. */
export function allBack(order: Paid): DueBack {
  const lines = order.items.map(({ productId, unitPrice, quantity }) => ({
    productId,
    unitPrice,
    quantity: quantity - (order.refundedUnits[productId] ?? 0),
  }));
  return shared(lines, order.captured - order.refunded);
}

interface Line {
  productId: string;
  unitPrice: number;
  quantity: number;
}

const worthOf = (lines: Line[]): number =>
  lines.reduce((sum, { unitPrice, quantity }) => sum + unitPrice * quantity, 0);

/** Shares an amount among lines, each up to its price. A line for which nothing is left is not named. */
function shared(lines: Line[], amount: number): DueBack {
  if (amount <= 0) return NOTHING;
  let left = amount;
  const items = lines.flatMap(({ productId, unitPrice, quantity }) => {
    const part = Math.min(left, unitPrice * quantity);
    left -= part;
    return part > 0 ? [{ product_id: productId, quantity, amount: part }] : [];
  });
  return { amount, items };
}

/** Units that will never be the buyer's: closed, or come back. @param returned by product */
export const goneUnits = (order: Pick<Order, "status" | "items">, returned: Units): Units =>
  new Map(
    order.items.map((item) => [
      item.productId,
      closedUnits(order, item) + (returned.get(item.productId) ?? 0),
    ]),
  );
