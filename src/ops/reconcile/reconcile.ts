import type { Context } from "../../platform/context.ts";
import { describeError } from "../../platform/log.ts";
import { all, each, sql } from "../../platform/sql.ts";
import { countOpen, type Drift, isOpen, type OpenCounts } from "./drift.ts";
import { findDrift } from "./find-drift.ts";
import { repair } from "./repair.ts";
import { takeSnapshot } from "./snapshot.ts";

/** How far one call goes through the products before it says where to go on. */
export interface Limits {
  /** Products that are compared together, with three calls to D1 and one to each object. */
  chunk: number;
  /** No further chunk begins after this many products. */
  products: number;
  /** Nor after this many drifts, if they are repaired: each may take seven more calls. */
  repairs: number;
  /** Nor after this time. */
  durationMs: number;
}

/**
 * Workers allow an invocation 1,000 calls to other parts (10,000 by default on paid plans). At worst these limits allow 914:
 * 400 to objects, 24 to D1, and 7 for each of 70 repairs, if 20 are followed by a chunk of 50.
 */
export const ONE_CALL: Limits = { chunk: 50, products: 400, repairs: 20, durationMs: 20_000 };

export interface Reconciliation {
  checked: number;
  /** At most `MAX_DRIFTS_NAMED` of each product, those that are left before those that were repaired. */
  drift: Drift[];
  /** All drifts, also those that are not named. */
  drifts: number;
  repaired: number;
  /** Of all drifts, also those that are not named. */
  open: OpenCounts;
  /** The last product that was compared, to go on after; null when all were. */
  next: string | null;
}

export interface ReconcileOptions {
  repair: boolean;
  /** The `reference` of each correction in the ledger. */
  operation: string;
}

/** Compares the stock of these products, and repairs it if `options.repair`. */
export async function reconcileProducts(
  context: Context,
  productIds: string[],
  options: ReconcileOptions,
): Promise<Drift[]> {
  const snapshot = await takeSnapshot(context, productIds);
  const found = findDrift(snapshot, context.clock.now(), context.settings.HOLD_SECONDS * 1_000);
  if (!options.repair) return found;
  const byProduct = [...Map.groupBy(found, (drift) => drift.product_id)];
  const repaired = await Promise.all(
    byProduct.map(async ([productId, drift]) => {
      const tryRepair = () => repair(context, snapshot, productId, drift, options.operation);
      try {
        return await tryRepair().catch(tryRepair);
      } catch (error) {
        // It failed twice. The others must not wait for this one: its drift is open still, and is found again.
        context.log.error("a product could not be repaired", {
          product_id: productId,
          error: describeError(error),
        });
        return drift;
      }
    }),
  );
  return repaired.flat();
}

/** Goes through all products in the order of their ids, as far as one invocation may. @param after to go on from */
export async function reconcileFrom(
  context: Context,
  after: string,
  options: ReconcileOptions,
  limits: Limits = ONE_CALL,
): Promise<Reconciliation> {
  const began = context.clock.now();
  const total: Reconciliation = { checked: 0, drift: [], drifts: 0, repaired: 0, open: {}, next: after };
  while (total.next !== null) {
    const productIds = await readProducts(context, total.next, limits.chunk);
    const drift = productIds.length === 0 ? [] : await reconcileProducts(context, productIds, options);
    total.checked += productIds.length;
    total.drifts += drift.length;
    total.drift.push(...firstOfEach(drift));
    countOpen(drift, total.open);
    total.repaired += drift.filter((one) => !isOpen(one)).length;
    total.next = productIds.length === limits.chunk ? (productIds.at(-1) ?? null) : null;
    if (total.checked >= limits.products || context.clock.now() - began > limits.durationMs) break;
    if (options.repair && total.drifts >= limits.repairs) break;
  }
  return total;
}

/** An answer and a task's payload must stay small, whatever has become of one product. */
const MAX_DRIFTS_NAMED = 100;

/** The first drifts of each product. Who has to do something about one must not miss it among those that were repaired. */
export const firstOfEach = (drift: Drift[]): Drift[] =>
  [...Map.groupBy(drift, ({ product_id }) => product_id).values()].flatMap((ofOne) =>
    ofOne.toSorted((one, other) => Number(isOpen(other)) - Number(isOpen(one))).slice(0, MAX_DRIFTS_NAMED),
  );

async function readProducts(context: Context, after: string, limit: number): Promise<string[]> {
  const products = await all(
    context.env.DB,
    sql<{ id: string }>`SELECT id FROM products WHERE id > ${after} ORDER BY id LIMIT ${limit}`,
  );
  return products.map(({ id }) => id);
}

/** Those ids that are no product. To be asked before a Stock object is, so that no object is made for them. */
export async function findUnknown(context: Context, productIds: string[]): Promise<string[]> {
  const unknown = await all(
    context.env.DB,
    sql<{ id: string }>`
      SELECT value AS id FROM ${each(productIds)} WHERE value NOT IN (SELECT id FROM products)`,
  );
  return unknown.map(({ id }) => id);
}
