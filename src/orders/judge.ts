import { Commit } from "../events/commit.ts";
import type { Verdict } from "../inventory/stock-types.ts";
import type { Context } from "../platform/context.ts";
import { each, sql } from "../platform/sql.ts";
import { expireOrders } from "./expire.ts";
import { keptState } from "./follow.ts";
import type { OrderStatus } from "./lifecycle.ts";
import type { OrderAllocation } from "./order.ts";

interface ClaimRow {
  claim: string;
  order_id: string | null;
  reference: string;
  /** The claim that the order names now: another one means that this claim is dead. */
  named_claim: string | null;
  status: OrderStatus | null;
  version: number | null;
  expires_at: number | null;
  allocations: string | null;
}

/**
 * What became of claims, for the open holds of one product that ask. The first statement is the fence: a claim without
 * a fate is written `abandoned` before its hold may be released, so that a worker that wakes late cannot record its
 * order. An order past its deadline is expired here, by the same operation as the sweep's. Throws while a backup
 * overwrites the shop: the hold asks again.
 */
export async function judgeClaims(context: Context, productId: string, claims: string[]): Promise<Verdict[]> {
  const rows = await readClaims(context, productId, claims);
  const due = rows.flatMap((row) => dueOrder(row, context.clock.now()) ?? []);
  if (due.length === 0) return rows.map((row) => verdictOf(row, context.clock.now()));
  await expireOrders(context, due);
  const after = await readClaims(context, productId, claims);
  return after.map((row) => verdictOf(row, context.clock.now()));
}

async function readClaims(context: Context, productId: string, claims: string[]): Promise<ClaimRow[]> {
  // Half of a shop has not the fates of all its claims: the commit is refused while it is being restored.
  const commit = new Commit(context);
  const asked = each(claims);
  commit.win(sql`
    INSERT INTO claims (id, fate, order_id, stamp, decided_at)
    SELECT asked.value, 'abandoned', NULL, ${commit.stamp}, ${context.clock.now()}
    FROM ${asked} AS asked WHERE true ON CONFLICT DO NOTHING`);
  const rows = commit.read(sql<ClaimRow>`
    SELECT c.id AS claim, o.id AS order_id, o.reference, o.claim_id AS named_claim, o.status, o.version, o.expires_at,
      i.allocations
    FROM ${asked} AS asked JOIN claims AS c ON c.id = asked.value
    LEFT JOIN orders AS o ON o.id = c.order_id
    LEFT JOIN order_items AS i ON i.order_id = o.id AND i.product_id = ${productId}`);
  return (await commit.send()).rows(rows);
}

function dueOrder(row: ClaimRow, now: number) {
  if (row.order_id === null || row.version === null || row.status !== "pending") return null;
  if (row.expires_at === null || row.expires_at > now) return null;
  return { id: row.order_id, version: row.version, status: row.status, reference: row.reference };
}

function verdictOf(row: ClaimRow, now: number): Verdict {
  const { claim } = row;
  if (row.order_id === null || row.status === null || row.version === null || row.named_claim !== claim) {
    return { claim, version: row.version ?? 1, state: {}, askAt: null };
  }
  const state = keptState(row.status, JSON.parse(row.allocations ?? "[]") as OrderAllocation[]);
  const waits = row.status === "pending" && row.expires_at !== null && row.expires_at > now;
  return { claim, version: row.version, state, askAt: waits ? row.expires_at : null };
}
