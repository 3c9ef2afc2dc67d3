import type { Context } from "../../platform/context.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { all, joined, nothing, type Sql, sql } from "../../platform/sql.ts";
import { type ProductRow, renderProduct } from "../products/product.ts";
import type { Product } from "../products/schemas.ts";
import { asksOneStore, type DocumentQuery, type Found, hasPriceRange } from "./documents.ts";
import { gather } from "./gather.ts";
import { placeOf, type RankedSearch, rank, WEIGHTS, type Weights } from "./rank.ts";
import { sift } from "./sift.ts";
import { walk } from "./walk.ts";

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
