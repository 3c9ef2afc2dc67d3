import type { Context } from "../../platform/context.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { all, each, first, joined, nothing, type Sql, sql } from "../../platform/sql.ts";
import { PRODUCT_COLUMNS, type ProductRow, renderProduct } from "../products/product.ts";
import type { Product } from "../products/schemas.ts";
import {
  type DocumentQuery,
  hasPriceRange,
  isInOneStore,
  isKnown,
  type Plan,
  selectKnown,
} from "./documents.ts";
import { planByRelevance, type RankedSearch, rowsBefore, WEIGHTS, type Weights } from "./relevance-plan.ts";
import type { FoundProduct } from "./schemas.ts";
import { planByIndexScan, planBySortOrScan, planByTextMatch } from "./sorted-plans.ts";

export type ProductSearch = DocumentQuery & PageQuery;

interface FoundRow extends ProductRow {
  /** The value by which the list is sorted; null when it is sorted by relevance. */
  key: number | null;
}

/** An empty page is one row without a product, which has the count and whether the category is known. */
type Row = { counted: number | null; known: number } & (FoundRow | { id: null });

/**
 * Reads a page of the products on sale that a search finds, in one statement. The result is the same for everyone, and the
 * same until the catalogue changes, unless only products in stock are wanted. Null when there is no such category.
 */
export async function searchProducts(
  { env }: Context,
  search: ProductSearch,
  weights = WEIGHTS,
): Promise<List<Product> | null> {
  const isWordless = search.words?.length === 0;
  const found = isWordless ? await nothingIn(env.DB, search) : await readRows(env.DB, search, weights);
  if (!found) return null;
  const { rows, counted } = found;
  const shown = isRanked(search) ? numbered(rows, rowsBefore(search)) : rows;
  return toList(
    search,
    shown,
    counted,
    (row) => ({ key: row.key ?? 0, id: isRanked(search) ? "" : row.id }),
    renderProduct,
  );
}

interface Found {
  rows: FoundRow[];
  counted: number | null;
}

/** What a text without words finds. */
async function nothingIn(db: D1Database, { category }: ProductSearch): Promise<Found | null> {
  const isThere = category === undefined || (await first(db, selectKnown(category)))?.known;
  return isThere ? { rows: [], counted: 0 } : null;
}

async function readRows(db: D1Database, search: ProductSearch, weights: Weights): Promise<Found | null> {
  const found = await all(db, statement(search, weights));
  if (!found[0]?.known) return null;
  const rows = found.filter((row): row is Extract<Row, FoundRow> => row.id !== null);
  return { rows, counted: found[0]?.counted ?? null };
}

const isRanked = (search: ProductSearch): search is RankedSearch =>
  search.sort === "relevance" && search.words !== null;

/** The cursor of a ranked list is a row's number, because scores change with each product that is added or removed. */
const numbered = (rows: FoundRow[], before: number): FoundRow[] =>
  rows.map((row, index) => ({ ...row, key: before + index + 1 }));

function statement(search: ProductSearch, weights: Weights): Sql<Row> {
  const { ctes, page, order, counted } = planOf(search, weights);
  return sql`${ctes.length === 0 ? nothing : sql`WITH ${joined(ctes)}`}
    SELECT total.counted, total.known, ${PRODUCT_COLUMNS}, page.key
    FROM (SELECT ${search.cursor === undefined ? counted : sql`NULL`} AS counted,
      ${isKnown(search.category)} AS known) AS total
    LEFT JOIN (${page}) AS page
    LEFT JOIN products ON products.id = page.product_id
    LEFT JOIN categories ON categories.id = products.category_id
    ORDER BY ${order}`;
}

function planOf(search: ProductSearch, weights: Weights): Plan {
  if (isRanked(search)) return planByRelevance(search, weights);
  const { words } = search;
  const sort = search.sort === "relevance" ? "newest" : search.sort;
  if (words !== null) return planByTextMatch({ ...search, sort, words });
  const isInOneIndex = !isInOneStore(search) && !(hasPriceRange(search) && sort === "newest");
  return (isInOneIndex ? planByIndexScan : planBySortOrScan)({ ...search, sort, words });
}

/** Adds to each product what one store has available: 0 where it was never stocked. Null when there is no such store. */
export async function withStoreQuantities(
  { env }: Context,
  page: List<Product>,
  storeId: string,
): Promise<List<FoundProduct> | null> {
  const levels = await all(
    env.DB,
    // The store's own row has no product.
    sql<{ product_id: string | null; available: number }>`
      SELECT NULL AS product_id, 0 AS available FROM stores WHERE id = ${storeId}
      UNION ALL SELECT l.product_id, l.available FROM ${each(page.results.map(({ id }) => id))} AS shown
      CROSS JOIN stock_levels AS l ON l.product_id = shown.value AND l.store_id = ${storeId}`,
  );
  if (!levels.some(({ product_id }) => product_id === null)) return null;
  const quantities = new Map(levels.map(({ product_id, available }) => [product_id, available]));
  return {
    ...page,
    results: page.results.map((product) => ({ ...product, store_quantity: quantities.get(product.id) ?? 0 })),
  };
}
