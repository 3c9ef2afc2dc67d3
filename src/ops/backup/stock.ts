import { stockOf } from "../../inventory/client.ts";
import type { DumpOutcome, LoadOutcome, Movement, StockRow } from "../../inventory/stock-types.ts";
import { chunksOf } from "../../platform/chunks.ts";
import type { Context } from "../../platform/context.ts";
import { type RestoreRefusal, refusalOf } from "../../platform/restoring.ts";
import { all, constant, sql } from "../../platform/sql.ts";
import { findUnknown } from "../reconcile/reconcile.ts";

/** Objects that are called at the same time. */
const CONCURRENT_OBJECTS = 20;
/** Products that one call of readHandMovements asks. */
const PRODUCTS_ASKED = 200;
/** The newest lines that it reads of a product. */
const LINES_OF_ONE = 100;

/** Calls the objects of these products, a few at a time. */
async function callEach(productIds: string[], call: (productId: string) => Promise<void>): Promise<void> {
  const waiting = productIds.values();
  const callInTurn = async () => {
    for (const productId of waiting) await call(productId);
  };
  await Promise.all(Array.from({ length: CONCURRENT_OBJECTS }, callInTurn));
}

export const dumpStock = (context: Context, productId: string, cursor: string | null): Promise<DumpOutcome> =>
  stockOf(context.env, productId).dump(cursor);

/** Rows after which a call reads no more objects. */
const MAX_ROWS_READ = 10_000;

/** The first pages of objects, in the order of their products; of the last ones none, where these have many rows. */
export type DumpedStocks =
  | { kind: "pages"; objects: { product_id: string; rows: StockRow[]; next: string | null }[] }
  | { kind: "restored" };

export async function dumpStocks(context: Context, productIds: string[]): Promise<DumpedStocks> {
  const objects: Extract<DumpedStocks, { kind: "pages" }>["objects"] = [];
  let count = 0;
  for (const some of chunksOf(productIds, CONCURRENT_OBJECTS)) {
    if (count >= MAX_ROWS_READ) break;
    const pages = await Promise.all(some.map((id) => dumpStock(context, id, null)));
    for (const [place, page] of pages.entries()) {
      if (page.kind === "restored") return page;
      objects.push({ product_id: some[place] ?? "", rows: page.rows, next: page.next });
      count += page.rows.length;
    }
  }
  return { kind: "pages", objects };
}

/** Loads whole objects. What failed first is told; the others are loaded, and may be loaded again. */
export async function loadStocks(
  context: Context,
  generation: number,
  objects: { product_id: string; rows: StockRow[] }[],
): Promise<LoadOutcome> {
  let outcome: LoadOutcome = { kind: "loaded" };
  const rowsOf = new Map(objects.map(({ product_id, rows }) => [product_id, rows]));
  await callEach([...rowsOf.keys()], async (id) => {
    const page = { generation, first: true, last: true, rows: rowsOf.get(id) ?? [] };
    const loaded = await stockOf(context.env, id).load(id, page);
    if (outcome.kind === "loaded") outcome = loaded;
  });
  return outcome;
}

/**
 * Empties objects for the restore of this generation, so that none of their holds asks for its fate while D1 is being loaded.
 * Each object looks at the generation by itself, since this call may sleep after it has asked D1.
 */
export async function emptyStock(
  context: Context,
  productIds: string[],
  generation: number,
): Promise<{ kind: "emptied" } | { kind: RestoreRefusal }> {
  const refusal = await refusalOf(context, generation);
  if (refusal !== null) return { kind: refusal };
  let superseded = false;
  await callEach(productIds, async (productId) => {
    const { kind } = await stockOf(context.env, productId).empty(productId, generation);
    if (kind === "superseded") superseded = true;
  });
  return { kind: superseded ? "superseded" : "emptied" };
}

/** What people have done to stock, of some products. */
export interface HandMovements {
  movements: (Movement & { product_id: string })[];
  /** Whether a product has more than are read of one. */
  left_out: boolean;
  /** The last product that was asked, to go on after; null when all were. */
  next: string | null;
}

/**
 * The lines of the ledger since a moment that no order has written: deliveries, corrections, transfers, returns. Only the
 * objects have them. Product by product, in the order of their ids. @param since milliseconds
 */
export async function readHandMovements(
  context: Context,
  since: number,
  after: string,
): Promise<HandMovements> {
  const products = await all(
    context.env.DB,
    sql<{
      id: string;
    }>`SELECT id FROM products WHERE id > ${after} ORDER BY id LIMIT ${constant(PRODUCTS_ASKED)}`,
  );
  const lines = new Map(products.map(({ id }): [string, Movement[]] => [id, []]));
  await callEach([...lines.keys()], async (id) => {
    lines.set(id, await stockOf(context.env, id).handMovements(since, LINES_OF_ONE + 1));
  });
  return {
    movements: [...lines].flatMap(([product_id, own]) =>
      own.slice(0, LINES_OF_ONE).map((line) => ({ product_id, ...line })),
    ),
    left_out: [...lines.values()].some((own) => own.length > LINES_OF_ONE),
    next: products.length === PRODUCTS_ASKED ? (products.at(-1)?.id ?? null) : null,
  };
}

/** To be asked before the objects are, so that no object is made for nothing. A restore loads the products first. */
export const areProducts = async (context: Context, ids: string[]): Promise<boolean> =>
  (await findUnknown(context, ids)).length === 0;
