import type { Context } from "../../platform/context.ts";
import { jsonParameter } from "../../platform/d1.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { type ProductRow, renderProduct } from "../products/product.ts";
import type { Product } from "../products/schemas.ts";
import { asksOneStore, type DocumentQuery, type Found, hasPriceRange, Parameters } from "./documents.ts";
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
  const { results } = await statement(db, search, weights).all<Row>();
  const rows = results.filter((row): row is Extract<Row, FoundRow> => row.id !== null);
  return { rows, counted: results[0]?.counted ?? null };
}

const isRanked = (search: ProductSearch): search is RankedSearch =>
  search.sort === "relevance" && search.words !== null;

/** A score changes with every product that comes or goes: a ranked list goes on by its places. */
const placed = (rows: FoundRow[], before: number): FoundRow[] =>
  rows.map((row, index) => ({ ...row, key: before + index + 1 }));

function statement(db: D1Database, search: ProductSearch, weights: Weights): D1PreparedStatement {
  const parameters = new Parameters();
  const { ctes, page, order, counted } = find(search, parameters, weights);
  const sql = `${ctes.length === 0 ? "" : `WITH ${ctes.join(", ")}`}
    SELECT total.counted, products.*, categories.name AS category_name, page.key
    FROM (SELECT ${search.cursor === undefined ? counted() : "NULL"} AS counted) AS total
    LEFT JOIN (${page}) AS page
    LEFT JOIN products ON products.id = page.product_id
    LEFT JOIN categories ON categories.id = products.category_id
    ORDER BY ${order}`;
  return db.prepare(sql).bind(...parameters.values);
}

function find(search: ProductSearch, parameters: Parameters, weights: Weights): Found {
  if (isRanked(search)) return rank(search, parameters, weights);
  const { words } = search;
  const sort = search.sort === "relevance" ? "newest" : search.sort;
  if (words !== null) return gather({ ...search, sort, words }, parameters);
  const isInOneIndex = !asksOneStore(search) && !(hasPriceRange(search) && sort === "newest");
  return (isInOneIndex ? walk : sift)({ ...search, sort, words }, parameters);
}

/** Says of each product of a page what one store has available: 0 where it was never stocked. */
export async function withStoreQuantities(
  { env }: Context,
  page: List<Product>,
  storeId: string,
): Promise<List<FoundProduct>> {
  const { results } = await env.DB.prepare(
    `SELECT l.product_id, l.available FROM json_each(?1) AS shown
     CROSS JOIN stock_levels AS l ON l.product_id = shown.value AND l.store_id = ?2`,
  )
    .bind(jsonParameter(page.results.map(({ id }) => id)), storeId)
    .all<{ product_id: string; available: number }>();
  const quantities = new Map(results.map(({ product_id, available }) => [product_id, available]));
  return {
    ...page,
    results: page.results.map((product) => ({ ...product, store_quantity: quantities.get(product.id) ?? 0 })),
  };
}
