import { may } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import { sql } from "../../platform/sql.ts";
import type { OrderStatus } from "../lifecycle.ts";
import type { Order, ShippingAddress } from "../order.ts";
import { hasShipped } from "../units.ts";
import { customerWords } from "../words.ts";
import { type Changed, type Command, changeOrder, NOTHING_MORE } from "./change.ts";

/** Until when an order may go elsewhere. The shop's people know what is packed already; a buyer does not. */
const UNSHIPPED: readonly OrderStatus[] = ["pending", "confirmed", "processing"];
const UNTOUCHED: readonly OrderStatus[] = ["pending", "confirmed"];

/** What of an order may still be changed; what is left out stays, and null takes away. */
export interface Details {
  shippingAddress?: ShippingAddress;
  customer?: { name?: string; phone?: string | null };
  notes?: string | null;
}

export type DetailsRefusal =
  /** It is too late: something has left, it is being packed, or the order is dead. */
  | { kind: "details_fixed"; status: OrderStatus; partShipped: boolean; packed: boolean }
  /** What it costs to send, and its taxes, were of another country. */
  | { kind: "country_fixed"; country: string | null }
  /** It stands so already. */
  | { kind: "same"; order: Order };

export type DetailsOutcome = Changed | DetailsRefusal;

/**
 * Changes where an order goes, whom it is for, and what is noted, while nothing of it has shipped. Its amounts stay as they
 * were placed, so a country stays that they were made for. Its history keeps what was before.
 */
export async function changeDetails(
  context: Context,
  order: Order,
  command: Command & { details: Details },
): Promise<DetailsOutcome> {
  const { details } = command;
  const allowed = may(context.actor, "orders:write") ? UNSHIPPED : UNTOUCHED;
  return changeOrder<DetailsRefusal>(context, order, command, (current) => {
    const { status, shippingAddress: before } = current;
    const changes = changesOf(current, details);
    const partShipped = hasShipped(current);
    if (Object.values(details).every((value) => value === undefined))
      return { refusal: { kind: "same", order: current } };
    if (partShipped || !allowed.includes(status)) {
      const packed = !partShipped && UNSHIPPED.includes(status);
      return { refusal: { kind: "details_fixed", status, partShipped, packed } };
    }
    const country = changes.shippingAddress?.country ?? before?.country;
    if (current.shipping + current.tax + current.duty > 0 && before?.country !== country) {
      return { refusal: { kind: "country_fixed", country: before?.country ?? null } };
    }
    if (Object.keys(changes).length === 0) return { refusal: { kind: "same", order: current } };
    const { customer, shippingAddress, notes } = { ...current, ...changes };
    return {
      reason: null,
      step: {
        from: allowed,
        kind: "details",
        event: "order.details_changed",
        snapshot: { ...shown(changes), previous: shown(current, changes) },
        becomes: changes,
        besides: (stamp) => [
          sql`UPDATE orders SET shipping_address = ${shippingAddress && JSON.stringify(shippingAddress)},
              customer = ${JSON.stringify(customer)}, customer_words = ${customerWords(customer)}, notes = ${notes}
            WHERE id = ${current.id} AND stamp = ${stamp}`,
        ],
      },
      made: NOTHING_MORE,
    };
  });
}

type Changes = Partial<Pick<Order, "shippingAddress" | "customer" | "notes">>;

/** Of what is to be changed that which is not so already. */
function changesOf(order: Order, { shippingAddress, customer, notes }: Details): Changes {
  const { phone = order.customer.phone, ...named } = { ...customer };
  const { phone: _, ...unnumbered } = order.customer;
  const wanted: Changes = {
    ...(shippingAddress === undefined ? {} : { shippingAddress }),
    ...(customer === undefined
      ? {}
      : { customer: { ...unnumbered, ...named, ...(phone == null ? {} : { phone }) } }),
    ...(notes === undefined ? {} : { notes }),
  };
  const differs = ([name, value]: [string, unknown]) => textOf(value) !== textOf(order[name as keyof Order]);
  return Object.fromEntries(Object.entries(wanted).filter(differs));
}

/** Under the API's own names, those that `of` has. */
const shown = (values: Changes, of: Changes = values): Record<string, unknown> => ({
  ...("shippingAddress" in of ? { shipping_address: values.shippingAddress } : {}),
  ...("customer" in of ? { customer: values.customer } : {}),
  ...("notes" in of ? { notes: values.notes } : {}),
});

/** The order of its fields aside. */
const textOf = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? JSON.stringify(Object.entries(value).toSorted(([one], [other]) => one.localeCompare(other)))
    : JSON.stringify(value);
