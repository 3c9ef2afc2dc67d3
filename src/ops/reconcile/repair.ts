import { readClaimStates } from "../../claims/states.ts";
import { appendEvents } from "../../events/append.ts";
import { stockOf } from "../../inventory/client.ts";
import type { RepairHold, RepairReport, StockAudit } from "../../inventory/stock-types.ts";
import { claimedOrders } from "../../orders/claimed.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { each, run, sql } from "../../platform/sql.ts";
import { type Drift, type DriftState, isOpen } from "./drift.ts";
import type { Look } from "./look.ts";

/**
 * Mends what was found of one product, and says what became of each. First the claims are judged, as if their holds had
 * asked: that writes the fate that lets a hold go, so none is ever released while its placing may still succeed. Then the
 * object is told everything in one turn. Dying between leaves fates written that were due, and the drift to be found
 * again; two at once do the same twice, and the second changes nothing.
 */
export async function repair(
  context: Context,
  look: Look,
  productId: string,
  drift: Drift[],
  operation: string,
): Promise<Drift[]> {
  const audit = look.audits.get(productId);
  if (!audit) return drift;
  const holds = await judgeDrifted(context, audit, productId, drift);
  await dropStrangers(context, audit, productId, drift);
  const epochs = look.before.projection.filter((row) => row.product_id === productId).map((row) => row.epoch);
  const report = await stockOf(context.env, productId).mend(productId, {
    operation,
    balance: drift.some(({ kind }) => kind === "level_ledger" || kind === "level_holds"),
    holds,
    tellBeyond: drift.some(({ kind }) => kind === "projection") ? Math.max(0, ...epochs) : null,
  });
  const mended = drift.map((one) => ({ ...one, state: stateOf(one, holds, report) }));
  await tellOfOpen(context, productId, audit, mended.filter(isOpen));
  return mended;
}

async function judgeDrifted(
  context: Context,
  audit: StockAudit,
  productId: string,
  drift: Drift[],
): Promise<RepairHold[]> {
  const orders = new Map(drift.flatMap(({ claim, order_id }) => (claim ? [[claim, order_id] as const] : [])));
  if (orders.size === 0) return [];
  const states = await readClaimStates(context, claimedOrders, productId, [...orders.keys()]);
  return states.map((state) => ({
    ...state,
    orderId: orders.get(state.claim) ?? null,
    seen: audit.claims.find(({ claim }) => claim === state.claim)?.version ?? null,
  }));
}

/** A report says what an object has, and never what it has not: rows of other stores are taken away here. */
async function dropStrangers(
  context: Context,
  audit: StockAudit,
  productId: string,
  drift: Drift[],
): Promise<void> {
  if (!drift.some(({ kind }) => kind === "projection")) return;
  const own = new Set(audit.levels.map(({ store_id }) => store_id));
  const strangers = drift.flatMap(({ kind, store_id }) =>
    kind === "projection" && store_id !== null && !own.has(store_id) ? [store_id] : [],
  );
  if (strangers.length === 0) return;
  await run(
    context.env.DB,
    sql`DELETE FROM stock_levels WHERE product_id = ${productId} AND store_id IN (SELECT value FROM ${each(strangers)})`,
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

/** What cannot be mended is for a person: the log of events says so once a run. */
async function tellOfOpen(
  context: Context,
  productId: string,
  audit: StockAudit,
  open: Drift[],
): Promise<void> {
  if (open.length === 0) return;
  const { env, ids, clock, log } = context;
  log.error("stock drifted and could not be mended", { product_id: productId, drift: open });
  const event = {
    id: prefixed("evt", ids.next()),
    type: "stock.drift",
    at: clock.now(),
    object_type: "product" as const,
    object_id: productId,
    object_version: audit.version,
    data: { drift: open },
  };
  await run(env.DB, appendEvents([event], sql`true`));
}
