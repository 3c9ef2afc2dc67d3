import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { COUNT_LIMIT, type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { type ProductRow, renderProduct } from "../products/product.ts";
import {
  asksOneStore,
  type DocumentQuery,
  hasFilters,
  hasPriceRange,
  orderOf,
  Parameters,
} from "./documents.ts";
import { MATCHES, matching, wanted } from "./matching.ts";
import { placeOf, type RankedSearch, rank, WEIGHTS, type Weights } from "./rank.ts";
import type { FoundProduct } from "./schemas.ts";
import { sift } from "./sift.ts";
import { type SortedSearch, walk } from "./walk.ts";

export type ProductSearch = DocumentQuery & PageQuery;

interface FoundRow extends ProductRow {
  /** What the list is sorted by; nothing where it is ranked. */
  key: number | null;
  store_quantity: number | null;
}

/** Products on sale that a search is about, one page of them, in one D1 batch. Asks nothing of who asks. */
export async function searchProducts(
  { env }: Context,
  search: ProductSearch,
  weights = WEIGHTS,
): Promise<List<FoundProduct>> {
  const isWordless = search.words?.length === 0;
  const { rows, counted } = isWordless ? NOTHING : await readRows(env.DB, search, weights);
  const shown = isRanked(search) ? placed(rows, placeOf(search)) : rows;
  return toList(
    search,
    shown,
    counted,
    (row) => ({ key: row.key ?? 0, id: isRanked(search) ? "" : row.id }),
    (row) => renderFound(row, search),
  );
}

const NOTHING: { rows: FoundRow[]; counted: number } = { rows: [], counted: 0 };

async function readRows(db: D1Database, search: ProductSearch, weights: Weights) {
  const page = pageStatement(db, search, weights);
  const results = await db.batch(search.cursor === undefined ? [page, countStatement(db, search)] : [page]);
  return {
    rows: rowsOf<FoundRow>(results, 0),
    counted: rowsOf<{ counted: number }>(results, 1)[0]?.counted ?? null,
  };
}

const isRanked = (search: ProductSearch): search is RankedSearch =>
  search.sort === "relevance" && search.words !== null;

/** A score changes with every product that comes or goes: a ranked list goes on by its places. */
const placed = (rows: FoundRow[], before: number): FoundRow[] =>
  rows.map((row, index) => ({ ...row, key: before + index + 1 }));

const renderFound = (row: FoundRow, { storeId }: ProductSearch): FoundProduct => ({
  ...renderProduct(row),
  ...(storeId === undefined ? {} : { store_quantity: row.store_quantity ?? 0 }),
});

function pageStatement(db: D1Database, search: ProductSearch, weights: Weights): D1PreparedStatement {
  const parameters = new Parameters();
  const { ctes, page, order } = pageOf(search, parameters, weights);
  const sql = `${ctes.length === 0 ? "" : `WITH ${ctes.join(", ")}`}
    SELECT products.*, categories.name AS category_name, ${isRanked(search) ? "NULL" : "page.key"} AS key,
      levels.available AS store_quantity
    FROM (${page}) AS page
    CROSS JOIN products ON products.id = page.product_id
    CROSS JOIN categories ON categories.id = products.category_id
    LEFT JOIN stock_levels AS levels
      ON levels.product_id = page.product_id AND levels.store_id = ${parameters.add(search.storeId ?? null)}
    ORDER BY ${order}`;
  return db.prepare(sql).bind(...parameters.values);
}

function pageOf(search: ProductSearch, parameters: Parameters, weights: Weights) {
  if (isRanked(search)) {
    return { ...rank(search, parameters, weights), order: "page.tier, page.score, page.id" };
  }
  const sorted: SortedSearch = { ...search, sort: search.sort === "relevance" ? "newest" : search.sort };
  const { direction } = orderOf(sorted.sort);
  const order = `page.key ${direction}, page.product_id ${direction}`;
  if (isInOneIndex(sorted)) return { ctes: [], page: walk(sorted, parameters), order };
  return { ...sift(sorted, parameters), order };
}

/** Whether one index leads through all that is asked for, in its order. */
const isInOneIndex = (search: SortedSearch): boolean =>
  search.words === null && !asksOneStore(search) && !(hasPriceRange(search) && search.sort === "newest");

function countStatement(db: D1Database, search: ProductSearch): D1PreparedStatement {
  const parameters = new Parameters();
  const ctes = search.words === null ? "" : `WITH ${wanted(search.words, search, parameters)}`;
  const { from, where } =
    search.words !== null && !hasFilters(search)
      ? { from: "product_index", where: [MATCHES] }
      : matching(search, parameters);
  const sql = `${ctes} SELECT count(*) AS counted FROM (
    SELECT 1 FROM ${from} WHERE ${where.join(" AND ")} LIMIT ${COUNT_LIMIT + 1})`;
  return db.prepare(sql).bind(...parameters.values);
}
