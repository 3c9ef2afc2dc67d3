import { readClaimStates } from "../../claims/states.ts";
import { Commit } from "../../events/commit.ts";
import { stockOf } from "../../inventory/client.ts";
import type { RepairCommand, RepairHold, RepairReport, StockAudit } from "../../inventory/stock-types.ts";
import { claimedOrders } from "../../orders/steps/claimed.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { notRestoredSince } from "../../platform/restoring.ts";
import { each, run, sql } from "../../platform/sql.ts";
import { type Drift, type DriftState, isOpen } from "./drift.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Repairs the drift of one product, and returns it with its new states. First it decides the claims as if their holds had
 * asked. That writes the fate before a hold may be let go, so no hold is released while its placing may still succeed. Then
 * one call repairs the object in one turn. If the worker dies in between, the fates were due anyway, and the drift is found
 * again. If two repair at once, the second changes nothing.
 */
export async function repair(
  context: Context,
  snapshot: Snapshot,
  productId: string,
  drift: Drift[],
  operation: string,
): Promise<Drift[]> {
  const audit = snapshot.audits.get(productId);
  if (!audit) return drift;
  const holds = await decideClaims(context, audit, productId, drift);
  await deleteForeignLevels(context, audit, productId, drift);
  const epochs = snapshot.before.projection
    .filter((row) => row.product_id === productId)
    .map((row) => row.epoch);
  const command: RepairCommand = {
    operation,
    balance: drift.some(({ kind }) => kind === "level_ledger" || kind === "level_holds"),
    holds,
    tellBeyond: drift.some(({ kind }) => kind === "projection") ? Math.max(0, ...epochs) : null,
  };
  const report = await stockOf(context.env, productId).mend(productId, command, context.generation);
  const repaired = drift.map((one) => ({ ...one, state: stateOf(one, holds, report) }));
  await reportOpen(context, productId, audit, repaired.filter(isOpen));
  return repaired;
}

async function decideClaims(
  context: Context,
  audit: StockAudit,
  productId: string,
  drift: Drift[],
): Promise<RepairHold[]> {
  const orders = new Map(drift.flatMap(({ claim, order_id }) => (claim ? [[claim, order_id] as const] : [])));
  if (orders.size === 0) return [];
  const { claims } = await readClaimStates(context, claimedOrders, productId, [...orders.keys()]);
  return claims.map((state) => ({
    ...state,
    orderId: orders.get(state.claim) ?? null,
    seen: audit.claims.find(({ claim }) => claim === state.claim)?.version ?? null,
  }));
}

/** A report only says which levels an object has, so the projection's rows of stores that it lacks are deleted here. */
async function deleteForeignLevels(
  context: Context,
  audit: StockAudit,
  productId: string,
  drift: Drift[],
): Promise<void> {
  if (!drift.some(({ kind }) => kind === "projection")) return;
  const own = new Set(audit.levels.map(({ store_id }) => store_id));
  const foreign = drift.flatMap(({ kind, store_id }) =>
    kind === "projection" && store_id !== null && !own.has(store_id) ? [store_id] : [],
  );
  if (foreign.length === 0) return;
  await run(
    context.env.DB,
    sql`DELETE FROM stock_levels WHERE product_id = ${productId} AND store_id IN (SELECT value FROM ${each(foreign)})
      AND ${notRestoredSince(context)}`,
  );
}

function stateOf(drift: Drift, holds: RepairHold[], report: RepairReport): DriftState {
  switch (drift.kind) {
    case "level_ledger":
    case "level_holds":
      return drift.store_id !== null && report.unbalanced.includes(drift.store_id)
        ? "unbalanced"
        : "repaired";
    case "dead_hold":
    case "order_unheld":
    case "hold_differs": {
      const outcome = report.holds[holds.findIndex(({ claim }) => claim === drift.claim)];
      if (outcome?.kind === "mended") return "repaired";
      return outcome?.kind ?? "moved";
    }
    case "projection":
    case "alarm_asleep":
      return "repaired";
  }
}

/** An event is a row of D1, which has a limit: a product can have more drift than it would hold. */
const MAX_NAMED_DRIFTS = 100;

/** What could not be repaired needs a person, so the log of events gets a line for each product and run. */
async function reportOpen(
  context: Context,
  productId: string,
  audit: StockAudit,
  open: Drift[],
): Promise<void> {
  if (open.length === 0) return;
  const { ids, clock, log } = context;
  const named = open.slice(0, MAX_NAMED_DRIFTS);
  const about = { product_id: productId, drifts: open.length, drift: named };
  log.error("stock drifted and could not be mended", about);
  const event = {
    id: prefixed("evt", ids.next()),
    type: "stock.drift",
    at: clock.now(),
    object_type: "product" as const,
    object_id: productId,
    object_version: audit.version,
    data: { drift: named, drifts: open.length },
  };
  const commit = new Commit(context);
  commit.events([event], sql`true`);
  await commit.send();
}
