import type { Context } from "../../platform/context.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { all, each, joined, nothing, type Sql, sql } from "../../platform/sql.ts";
import { type ProductRow, renderProduct } from "../products/product.ts";
import type { Product } from "../products/schemas.ts";
import { asksOneStore, type DocumentQuery, type Found, hasPriceRange } from "./documents.ts";
import { placeOf, type RankedSearch, rank, WEIGHTS, type Weights } from "./rank.ts";
import type { FoundProduct } from "./schemas.ts";
import { gather, sift, walk } from "./sorted.ts";

export type ProductSearch = DocumentQuery & PageQuery;

interface FoundRow extends ProductRow {
  /** What the list is sorted by; nothing where it is ranked. */
  key: number | null;
}

/** A page that has no products has a row nevertheless, for how many there are. */
type Row = { counted: number | null } & (FoundRow | { id: null });

/**
 * Products on sale that a search is about, one page of them, in one statement. Asks nothing of who asks; and unless it
 * keeps to what is in stock, it comes to the same until the catalogue changes.
 */
export async function searchProducts(
  { env }: Context,
  search: ProductSearch,
  weights = WEIGHTS,
): Promise<List<Product>> {
  const isWordless = search.words?.length === 0;
  const { rows, counted } = isWordless ? NOTHING : await readRows(env.DB, search, weights);
  const shown = isRanked(search) ? placed(rows, placeOf(search)) : rows;
  return toList(
    search,
    shown,
    counted,
    (row) => ({ key: row.key ?? 0, id: isRanked(search) ? "" : row.id }),
    renderProduct,
  );
}

const NOTHING: { rows: FoundRow[]; counted: number | null } = { rows: [], counted: 0 };

async function readRows(db: D1Database, search: ProductSearch, weights: Weights): Promise<typeof NOTHING> {
  const found = await all(db, statement(search, weights));
  const rows = found.filter((row): row is Extract<Row, FoundRow> => row.id !== null);
  return { rows, counted: found[0]?.counted ?? null };
}

const isRanked = (search: ProductSearch): search is RankedSearch =>
  search.sort === "relevance" && search.words !== null;

/** A score changes with every product that comes or goes: a ranked list goes on by its places. */
const placed = (rows: FoundRow[], before: number): FoundRow[] =>
  rows.map((row, index) => ({ ...row, key: before + index + 1 }));

function statement(search: ProductSearch, weights: Weights): Sql<Row> {
  const { ctes, page, order, counted } = find(search, weights);
  return sql`${ctes.length === 0 ? nothing : sql`WITH ${joined(ctes)}`}
    SELECT total.counted, products.*, categories.name AS category_name, page.key
    FROM (SELECT ${search.cursor === undefined ? counted : sql`NULL`} AS counted) AS total
    LEFT JOIN (${page}) AS page
    LEFT JOIN products ON products.id = page.product_id
    LEFT JOIN categories ON categories.id = products.category_id
    ORDER BY ${order}`;
}

function find(search: ProductSearch, weights: Weights): Found {
  if (isRanked(search)) return rank(search, weights);
  const { words } = search;
  const sort = search.sort === "relevance" ? "newest" : search.sort;
  if (words !== null) return gather({ ...search, sort, words });
  const isInOneIndex = !asksOneStore(search) && !(hasPriceRange(search) && sort === "newest");
  return (isInOneIndex ? walk : sift)({ ...search, sort, words });
}

/** Says of each product of a page what one store has available: 0 where it was never stocked. */
export async function withStoreQuantities(
  { env }: Context,
  page: List<Product>,
  storeId: string,
): Promise<List<FoundProduct>> {
  const levels = await all(
    env.DB,
    sql<{ product_id: string; available: number }>`
      SELECT l.product_id, l.available FROM ${each(page.results.map(({ id }) => id))} AS shown
      CROSS JOIN stock_levels AS l ON l.product_id = shown.value AND l.store_id = ${storeId}`,
  );
  const quantities = new Map(levels.map(({ product_id, available }) => [product_id, available]));
  return {
    ...page,
    results: page.results.map((product) => ({ ...product, store_quantity: quantities.get(product.id) ?? 0 })),
  };
}
