import type { Context } from "../../platform/context.ts";
import { all, each, sql } from "../../platform/sql.ts";
import { type Drift, isOpen } from "./drift.ts";
import { findDrift } from "./find-drift.ts";
import { look } from "./look.ts";
import { repair } from "./repair.ts";

/** How far one call goes through the products before it says where to go on. */
export interface Limits {
  /** Products looked at together: three calls to D1, and one to each object. */
  chunk: number;
  /** Begins with no further chunk after so many products, */
  products: number;
  /** after so many drifts, where they are mended: each may take seven calls more, */
  repairs: number;
  /** or after so long; milliseconds. */
  patience: number;
}

/**
 * Workers allow an invocation 1,000 calls to other parts (by default 10,000 on paid plans). At worst this makes 400 to
 * objects, 24 to D1, and 7 for each of the 70 products of which the last 50 took it over its repairs: 914.
 */
export const ONE_CALL: Limits = { chunk: 50, products: 400, repairs: 20, patience: 20_000 };

export interface Reconciliation {
  checked: number;
  drift: Drift[];
  repaired: number;
  /** The last product that was looked at, to go on after; null when all were. */
  next: string | null;
}

export interface ReconcileOptions {
  repair: boolean;
  /** Stands in the ledger beside what is corrected. */
  operation: string;
}

/** Compares these products' stock, and mends it when asked. */
export async function reconcileProducts(
  context: Context,
  productIds: string[],
  options: ReconcileOptions,
): Promise<Drift[]> {
  const seen = await look(context, productIds);
  const found = findDrift(seen, context.clock.now(), context.settings.HOLD_SECONDS * 1_000);
  if (!options.repair) return found;
  const byProduct = [...Map.groupBy(found, (drift) => drift.product_id)];
  const mended = await Promise.all(
    byProduct.map(([productId, drift]) => repair(context, seen, productId, drift, options.operation)),
  );
  return mended.flat();
}

/** Goes through all products in the order of their ids, as far as one invocation may. @param after to go on from */
export async function reconcileFrom(
  context: Context,
  after: string,
  options: ReconcileOptions,
  limits: Limits = ONE_CALL,
): Promise<Reconciliation> {
  const began = context.clock.now();
  const total: Reconciliation = { checked: 0, drift: [], repaired: 0, next: after };
  while (total.next !== null) {
    const productIds = await readProducts(context, total.next, limits.chunk);
    const drift = productIds.length === 0 ? [] : await reconcileProducts(context, productIds, options);
    total.checked += productIds.length;
    total.drift.push(...drift);
    total.repaired += drift.filter((one) => !isOpen(one)).length;
    total.next = productIds.length === limits.chunk ? (productIds.at(-1) ?? null) : null;
    if (total.checked >= limits.products || context.clock.now() - began > limits.patience) break;
    if (options.repair && total.drift.length >= limits.repairs) break;
  }
  return total;
}

async function readProducts(context: Context, after: string, limit: number): Promise<string[]> {
  const products = await all(
    context.env.DB,
    sql<{ id: string }>`SELECT id FROM products WHERE id > ${after} ORDER BY id LIMIT ${limit}`,
  );
  return products.map(({ id }) => id);
}

/** Those that are no products. Asked before any object is: naming one must not make it. */
export async function findUnknown(context: Context, productIds: string[]): Promise<string[]> {
  const unknown = await all(
    context.env.DB,
    sql<{ id: string }>`
      SELECT value AS id FROM ${each(productIds)} WHERE value NOT IN (SELECT id FROM products)`,
  );
  return unknown.map(({ id }) => id);
}
