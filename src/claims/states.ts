import { Commit } from "../events/commit.ts";
import { projectedLevels } from "../inventory/projection/projection.ts";
import type { ClaimState, FatesAnswer, FollowState, ProjectedLevel } from "../inventory/stock-types.ts";
import type { Context } from "../platform/context.ts";
import { GENERATION } from "../platform/restoring.ts";
import { each, sql } from "../platform/sql.ts";

/** The order that a claim is, or was, a try of, as D1 has it. */
export interface ClaimedOrder {
  id: string;
  reference: string;
  status: string;
  version: number;
  stamp: string;
  /** Milliseconds. */
  expires_at: number | null;
  /** The allocations of the product that asks: JSON of `[{store_id, quantity, shipped}]`. */
  allocations: string | null;
}

/** What the orders room does for this one, which must not import it. */
export interface OrdersPort {
  /** Expires those of these orders whose payment is overdue. False when there was none. */
  expireDue(context: Context, orders: ClaimedOrder[]): Promise<boolean>;
  /** What an order keeps and has shipped of the product, and when its hold is to ask again, as in `ClaimState`. */
  stateOf(order: ClaimedOrder, now: number): { state: FollowState; askAt: number | null };
}

interface ClaimRow extends Omit<ClaimedOrder, "id" | "status" | "version" | "stamp"> {
  claim: string;
  id: string | null;
  /** The claim that the order names now. If it is another one, this claim is dead. */
  named_claim: string | null;
  status: string | null;
  version: number | null;
  stamp: string | null;
}

/**
 * What became of claims, for the open holds of one product that ask. Its first statement is the fence: it writes `abandoned`
 * for each claim without a fate, before the hold may be released, so that a worker that wakes late cannot record its order.
 * An order past its deadline is expired here, by the same operation that the sweep uses. Throws while a backup is restored;
 * then the hold asks again.
 */
export async function readClaimStates(
  context: Context,
  orders: OrdersPort,
  productId: string,
  claims: string[],
): Promise<FatesAnswer> {
  const asked = await ask(context, productId, claims);
  const expired = await orders.expireDue(
    context,
    asked.rows.flatMap((row) => orderOf(row) ?? []),
  );
  const { rows, projected } = expired ? await ask(context, productId, claims) : asked;
  return { claims: rows.map((row) => stateOf(row, orders, context.clock.now())), projected };
}

async function ask(
  context: Context,
  productId: string,
  claims: string[],
): Promise<{ rows: ClaimRow[]; projected: ProjectedLevel[] }> {
  // The commit is refused during a restore, because a shop that is half restored lacks the fates of living claims. It need
  // not be of the object's generation: an object asks also after a restore that was given up before it came to it, and
  // applies no answer if it was itself restored meanwhile.
  const commit = new Commit(context, "while_restoring");
  const asked = each(claims);
  commit.win(sql`
    INSERT INTO claims (id, fate, order_id, stamp, decided_at)
    SELECT asked.value, 'abandoned', NULL, ${commit.stamp}, ${context.clock.now()}
    FROM ${asked} AS asked WHERE true ON CONFLICT DO NOTHING`);
  const rows = commit.read(sql<ClaimRow>`
    SELECT c.id AS claim, o.id, o.reference, o.claim_id AS named_claim, o.status, o.version, o.stamp, o.expires_at,
      i.allocations
    FROM ${asked} AS asked JOIN claims AS c ON c.id = asked.value
    LEFT JOIN orders AS o ON o.id = c.order_id
    LEFT JOIN order_items AS i ON i.order_id = o.id AND i.product_id = ${productId}`);
  const projected = commit.read(projectedLevels(productId));
  const generation = commit.read(sql<{ generation: number }>`SELECT ${GENERATION} AS generation`);
  const committed = await commit.send();
  context.generation ??= committed.first(generation)?.generation;
  return { rows: committed.rows(rows), projected: committed.rows(projected) };
}

function orderOf({ id, status, version, stamp, ...row }: ClaimRow): ClaimedOrder | null {
  if (id === null || status === null || version === null || stamp === null) return null;
  return { ...row, id, status, version, stamp };
}

function stateOf(row: ClaimRow, orders: OrdersPort, now: number): ClaimState {
  const { claim, version } = row;
  const order = orderOf(row);
  if (order === null || row.named_claim !== claim) {
    return { claim, version: version ?? 1, state: {}, askAt: null };
  }
  return { claim, version: order.version, ...orders.stateOf(order, now) };
}
