import type { Context } from "../../platform/context.ts";
import { jsonParameter } from "../../platform/d1.ts";
import { type Drift, isOpen } from "./drift.ts";
import { findDrift } from "./find-drift.ts";
import { look } from "./look.ts";
import { repair } from "./repair.ts";

/** Products looked at together: two calls to D1 and one to each object. */
const CHUNK = 50;
/** Products that one request goes through, and for how long it begins with more; milliseconds. */
const MAX_A_CALL = 400;
const PATIENCE = 20_000;

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

/** Goes through all products in the order of their ids, as far as one request may. @param after to go on from */
export async function reconcileFrom(
  context: Context,
  after: string,
  options: ReconcileOptions,
  limits: { products: number; patience: number } = { products: MAX_A_CALL, patience: PATIENCE },
): Promise<Reconciliation> {
  const began = context.clock.now();
  const total: Reconciliation = { checked: 0, drift: [], repaired: 0, next: after };
  while (total.next !== null) {
    const productIds = await readProducts(context, total.next);
    const drift = productIds.length === 0 ? [] : await reconcileProducts(context, productIds, options);
    total.checked += productIds.length;
    total.drift.push(...drift);
    total.repaired += drift.filter((one) => !isOpen(one)).length;
    total.next = productIds.length === CHUNK ? (productIds.at(-1) ?? null) : null;
    if (total.checked >= limits.products || context.clock.now() - began > limits.patience) break;
  }
  return total;
}

/** The nightly job: all products, mended. Returns what came of it, in a line. */
export async function reconcileStock(context: Context): Promise<string> {
  const operation = `reconcile-${context.ids.next()}`;
  const everything = { products: Number.POSITIVE_INFINITY, patience: Number.POSITIVE_INFINITY };
  const { checked, drift, repaired } = await reconcileFrom(
    context,
    "",
    { repair: true, operation },
    everything,
  );
  const open = drift.filter(isOpen);
  const detail = `${checked} products checked, ${drift.length} drifts, ${repaired} repaired`;
  return open.length === 0 ? detail : `${detail}; open: ${summaryOf(open)}`;
}

/** How many of each kind, and the first few products. */
function summaryOf(open: Drift[]): string {
  const kinds = [...Map.groupBy(open, ({ kind, state }) => `${kind} ${state}`)];
  const products = [...new Set(open.map(({ product_id }) => product_id))].slice(0, 5);
  return `${kinds.map(([kind, all]) => `${all.length} ${kind}`).join(", ")} (${products.join(", ")})`;
}

async function readProducts(context: Context, after: string): Promise<string[]> {
  const { results } = await context.env.DB.prepare(
    "SELECT id FROM products WHERE id > ?1 ORDER BY id LIMIT ?2",
  )
    .bind(after, CHUNK)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** Those that are no products. Asked before any object is: naming one must not make it. */
export async function findUnknown(context: Context, productIds: string[]): Promise<string[]> {
  const { results } = await context.env.DB.prepare(
    "SELECT value AS id FROM json_each(?1) WHERE value NOT IN (SELECT id FROM products)",
  )
    .bind(jsonParameter(productIds))
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}
