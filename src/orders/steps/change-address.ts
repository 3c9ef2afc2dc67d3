import { isStaff } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import { sql } from "../../platform/sql.ts";
import type { OrderStatus } from "../lifecycle.ts";
import type { Order, ShippingAddress } from "../order.ts";
import { hasShipped } from "../units.ts";
import { type Changed, type Command, changeOrder, NOTHING_MORE } from "./change.ts";

/** Until when an order may go elsewhere. The shop's people know what is packed already; a buyer does not. */
const UNSHIPPED: readonly OrderStatus[] = ["pending", "confirmed", "processing"];
const UNTOUCHED: readonly OrderStatus[] = ["pending", "confirmed"];

export type AddressRefusal =
  /** It is too late: something has left, it is being packed, or the order is dead. */
  | { kind: "address_fixed"; status: OrderStatus; partShipped: boolean; packed: boolean }
  /** What it costs to send, and its taxes, were of another country. */
  | { kind: "country_fixed"; country: string | null }
  /** It goes there already. */
  | { kind: "same"; order: Order };

export type AddressOutcome = Changed | AddressRefusal;

/**
 * Sends an order elsewhere that has shipped nothing. Its amounts stay as they were placed, so a country stays that they were
 * made for. Its history keeps both addresses.
 */
export async function changeAddress(
  context: Context,
  order: Order,
  command: Command & { address: ShippingAddress | undefined },
): Promise<AddressOutcome> {
  const { address } = command;
  const allowed = isStaff(context.actor) ? UNSHIPPED : UNTOUCHED;
  return changeOrder<AddressRefusal>(context, order, command, (current) => {
    const { status, shippingAddress: before } = current;
    const partShipped = hasShipped(current);
    if (address === undefined) return { refusal: { kind: "same", order: current } };
    if (partShipped || !allowed.includes(status)) {
      const packed = !partShipped && UNSHIPPED.includes(status);
      return { refusal: { kind: "address_fixed", status, partShipped, packed } };
    }
    if (current.shipping + current.tax + current.duty > 0 && before?.country !== address.country) {
      return { refusal: { kind: "country_fixed", country: before?.country ?? null } };
    }
    if (before !== null && textOf(before) === textOf(address)) {
      return { refusal: { kind: "same", order: current } };
    }
    return {
      reason: null,
      step: {
        from: allowed,
        kind: "address",
        event: "order.address_changed",
        snapshot: { shipping_address: address, previous_shipping_address: before },
        becomes: { shippingAddress: address },
        besides: (stamp) => [
          sql`UPDATE orders SET shipping_address = ${JSON.stringify(address)} WHERE id = ${current.id} AND stamp = ${stamp}`,
        ],
      },
      made: NOTHING_MORE,
    };
  });
}

const textOf = (address: ShippingAddress): string =>
  JSON.stringify(Object.entries(address).toSorted(([one], [other]) => one.localeCompare(other)));
