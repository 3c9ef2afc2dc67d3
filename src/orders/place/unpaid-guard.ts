import { keyRing } from "../../accounts/keys.ts";
import type { Context } from "../../platform/context.ts";
import { pseudonym } from "../../platform/sealed.ts";
import { type Sql, sql } from "../../platform/sql.ts";
import type { Quote } from "./quote.ts";
import type { Proposal } from "./record.ts";

/**
 * Whoever neither pays nor cancels holds units that others would buy. So the units in orders that wait are bounded, of one
 * e-mail address and of one network address. They are counted in the batch that records an order, so that orders at once
 * cannot pass the limit together.
 */
export interface Unpaid {
  email: string;
  /** `orders.placed_from` */
  from: string;
  /** Its own units, with those of the same e-mail address, and of the same network address, that stand beside it in the batch. */
  by_email: number;
  by_from: number;
  max: number;
}

/** What stands for the place from which a counted order came: see `orders.placed_from`. */
export async function placedFrom({ settings }: Context, { draft, counted }: Quote): Promise<string | null> {
  if (!counted) return null;
  const keys = await keyRing(settings);
  if (draft.address === null || keys.kind === "misconfigured") return "";
  const secret = keys.ring.accepted.get(keys.ring.signing.kid)?.secret;
  return !secret ? "" : pseudonym(secret, "holdfast/placed-from", draft.address);
}

/**
 * What each of a batch's orders asks for, in their sequence; null for one that is not counted.
 * @param together all or none: then each asks for all of them
 */
export function unpaidOf(
  proposals: Pick<Proposal, "decision" | "placedFrom">[],
  max: number,
  together: boolean,
): (Unpaid | null)[] {
  const sums = new Map<string, number>();
  const add = (party: string, units: number): number => {
    const sum = (sums.get(party) ?? 0) + units;
    sums.set(party, sum);
    return sum;
  };
  const ask = (
    { decision, placedFrom: from }: (typeof proposals)[number],
    counts: boolean,
  ): Unpaid | null => {
    if (from === null || decision.fate !== "placed" || decision.order.status !== "pending") return null;
    const { order } = decision;
    const units = counts ? order.totalItems : 0;
    const email = order.customer.email.toLowerCase();
    return { email, from, by_email: add(`email ${email}`, units), by_from: add(`from ${from}`, units), max };
  };
  const asked = proposals.map((one) => ask(one, true));
  return together ? proposals.map((one) => ask(one, false)) : asked;
}

const waiting = (index: Sql, party: Sql): Sql => sql`
  (SELECT coalesce(sum(w.total_items), 0) FROM orders AS w INDEXED BY ${index}
   WHERE w.status = 'pending' AND w.placed_from IS NOT NULL AND ${party})`;

/** What a fate requires of the orders that wait, in SQL over `row.value`, the fate as JSON. Of a row without `unpaid`, nothing. */
export const UNPAID_ALLOWS = sql`(row.value -> 'unpaid' ->> 'max' IS NULL OR (
    ${waiting(sql`orders_unpaid_email`, sql`w.customer_email = row.value -> 'unpaid' ->> 'email'`)}
      + (row.value -> 'unpaid' ->> 'by_email') <= row.value -> 'unpaid' ->> 'max'
    AND (row.value -> 'unpaid' ->> 'from' = '' OR
      ${waiting(sql`orders_unpaid_from`, sql`w.placed_from = row.value -> 'unpaid' ->> 'from'`)}
        + (row.value -> 'unpaid' ->> 'by_from') <= row.value -> 'unpaid' ->> 'max')))`;
