import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { type FieldError, fieldErrors } from "../../platform/http/problem.ts";
import { prefixed } from "../../platform/ids.ts";
import { describeError } from "../../platform/log.ts";
import { batch, each, type Sql, sql } from "../../platform/sql.ts";
import type { StockPort } from "../stock-port.ts";
import { PRODUCT_CATEGORY, PRODUCT_COLUMNS, type ProductRow, renderProduct } from "./product.ts";
import { type ProductRevision, productRevision, record } from "./record.ts";
import { type CategoryName, newProduct, revise } from "./revise.ts";
import { type BulkReport, bulkItemSchema, type Product, type ProductFields } from "./schemas.ts";

/** An item fails after so many attempts in which another writer was faster. */
const MAX_ATTEMPTS = 3;

interface Item {
  index: number;
  fields: ProductFields & { sku: string };
  stock: Opening[];
}

type Result = BulkReport["results"][number];

/** What to do with an item: nothing more, as its result is known, or a revision to write. */
type Decision =
  | { kind: "final"; result: Result }
  | { kind: "revision"; revision: ProductRevision; result: Result };

/**
 * Creates or changes products by their sku. Each item stands alone: a wrong one does not fail the others. Fields left out
 * keep their values, and an item that changes nothing writes nothing, so the call may be repeated. It takes a handful of
 * statements whatever the number of items, and one call to a Stock object for each product with opening stock.
 * @param items not yet validated, so that each can fail by itself
 */
export async function upsertProducts(
  context: Context,
  stock: StockPort,
  items: unknown[],
): Promise<BulkReport> {
  const { results, valid } = readItems(items);
  let pending = valid;
  for (let attempt = 0; attempt < MAX_ATTEMPTS && pending.length > 0; attempt++) {
    const known = await readKnown(context, pending);
    const revisions: { item: Item; revision: ProductRevision; result: Result }[] = [];
    for (const item of pending) {
      const decision = decide(context, item, known);
      if (decision.kind === "revision") revisions.push({ item, ...decision });
      else results[item.index] = decision.result;
    }
    const won = await record(
      context,
      revisions.map(({ revision }) => revision),
    );
    pending = [];
    for (const { item, revision, result } of revisions) {
      if (won.has(revision.object_id)) results[item.index] = result;
      else pending.push(item);
    }
  }
  for (const { index } of pending) {
    results[index] = failed(index, [
      { field: "sku", code: "contended", message: "is being changed by others" },
    ]);
  }
  await openAll(context, stock, valid, results);
  return summarise(results);
}

const failed = (index: number, errors: FieldError[]): Result => ({ index, status: "failed", errors });

function readItems(items: unknown[]): { results: Result[]; valid: Item[] } {
  const results: Result[] = [];
  const valid: Item[] = [];
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const parsed = bulkItemSchema.safeParse(item);
    if (!parsed.success) {
      results[index] = failed(index, fieldErrors(parsed.error.issues));
      continue;
    }
    const { stock = [], ...fields } = parsed.data;
    const first = seen.get(fields.sku);
    if (first !== undefined) {
      const message = `is that of item ${first} already`;
      results[index] = failed(index, [{ field: "sku", code: "duplicate_sku", message }]);
      continue;
    }
    seen.set(fields.sku, index);
    valid.push({ index, fields, stock });
  }
  return { results, valid };
}

interface Known {
  products: Map<string, Product>;
  categories: Map<string, CategoryName>;
  stores: Set<string>;
}

/** Reads the products (by sku), categories and stores that the items name. */
async function readKnown({ env }: Context, items: Item[]): Promise<Known> {
  const distinct = (values: (string | undefined)[]): Sql =>
    sql`(SELECT value FROM ${each([...new Set(values.filter((value) => value !== undefined))])})`;
  const skus = distinct(items.map(({ fields }) => fields.sku));
  const categoryIds = distinct(items.map(({ fields }) => fields.category_id));
  const storeIds = distinct(items.flatMap(({ stock }) => stock.map(({ store_id }) => store_id)));
  const { products, categories, stores } = await batch(env.DB, {
    products: sql<ProductRow>`SELECT ${PRODUCT_COLUMNS} FROM products ${PRODUCT_CATEGORY}
      WHERE products.sku IN ${skus}`,
    categories: sql<CategoryName>`SELECT id, name FROM categories WHERE id IN ${categoryIds}`,
    stores: sql<{ id: string }>`SELECT id FROM stores WHERE id IN ${storeIds}`,
  });
  return {
    products: new Map(products.map((row) => [row.sku, renderProduct(row)])),
    categories: new Map(categories.map((category) => [category.id, category])),
    stores: new Set(stores.map(({ id }) => id)),
  };
}

function decide(context: Context, { index, fields, stock }: Item, known: Known): Decision {
  const unknownStores = stock.flatMap(({ store_id }, at) =>
    known.stores.has(store_id)
      ? []
      : [
          {
            field: `stock.${at}.store_id`,
            code: "unknown_store" as const,
            message: "is no store of this shop",
          },
        ],
  );
  if (unknownStores.length > 0) return { kind: "final", result: failed(index, unknownStores) };

  const { clock, ids, settings } = context;
  const at = isoTimestamp(clock.now());
  const category = fields.category_id === undefined ? undefined : known.categories.get(fields.category_id);
  const current = known.products.get(fields.sku);
  const decided = current
    ? revise(current, fields, category, at)
    : newProduct(prefixed("prd", ids.next()), fields, category, settings.CURRENCY, at);
  switch (decided.kind) {
    case "invalid":
      return { kind: "final", result: failed(index, decided.errors) };
    case "unchanged":
      return {
        kind: "final",
        result: { index, status: "updated", id: current?.id ?? "", ...archivedMark(current?.active ?? true) },
      };
    case "new":
    case "revised": {
      const { product } = decided;
      const status = current ? "updated" : "created";
      const action = current?.active && !product.active ? "archived" : status;
      return {
        kind: "revision",
        revision: productRevision(context, action, product),
        result: { index, status, id: product.id, ...archivedMark(product.active) },
      };
    }
  }
}

/** Says of a product that it is not on sale, though it was written: a feed may bring what was archived. */
const archivedMark = (active: boolean): { active?: false } => (active ? {} : { active: false });

/** Sets the items' opening stock. If that fails, the item fails though its product was written: sending it again helps. */
async function openAll(context: Context, stock: StockPort, items: Item[], results: Result[]): Promise<void> {
  const openings = items.flatMap(({ index, stock: levels }) => {
    const result = results[index];
    return result && result.status !== "failed" && levels.length > 0
      ? [{ index, productId: result.id, levels }]
      : [];
  });
  const unopened = await openStock(context, stock, openings);
  for (const { index } of unopened) {
    const message = "could not be set just now: send the item again";
    results[index] = failed(index, [{ field: "stock", code: "stock_unavailable", message }]);
  }
}

function summarise(results: Result[]): BulkReport {
  const count = (status: Result["status"]) => results.filter((result) => result.status === status).length;
  return { created: count("created"), updated: count("updated"), failed: count("failed"), results };
}

/** How many Stock objects one request calls at the same time. */
const MAX_PARALLEL_CALLS = 50;

interface Opening {
  store_id: string;
  /** Units. */
  quantity: number;
}

/** Sets opening stock by one call for each product. Returns those whose call failed. */
async function openStock<T extends { productId: string; levels: Opening[] }>(
  context: Context,
  stock: StockPort,
  openings: T[],
): Promise<T[]> {
  const unopened: T[] = [];
  for (let start = 0; start < openings.length; start += MAX_PARALLEL_CALLS) {
    const calls = openings.slice(start, start + MAX_PARALLEL_CALLS).map(async (opening) => {
      try {
        await stock.open(context, opening.productId, opening.levels);
      } catch (error) {
        context.log.error("opening stock was not set", {
          product_id: opening.productId,
          error: describeError(error),
        });
        unopened.push(opening);
      }
    });
    await Promise.all(calls);
  }
  return unopened;
}
