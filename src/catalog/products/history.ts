import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { sql } from "../../platform/sql.ts";
import type { Action } from "./record.ts";
import type { ProductHistoryEntry } from "./schemas.ts";

interface HistoryRow {
  product_id: string;
  version: number;
  at: number;
  actor: string;
  action: Action;
  /** JSON of the product as the API showed it. */
  snapshot: string;
}

/** The changes of a product, the oldest first, each with its actor and the product after it. Null: no such product. */
export async function readProductHistory(
  { env }: Context,
  id: string,
  query: PageQuery,
): Promise<List<ProductHistoryEntry> | null> {
  const { rows, counted, extra } = await readPage<HistoryRow>(
    env.DB,
    {
      select: "*",
      from: "product_history",
      where: [sql`product_id = ${id}`],
      key: "version",
      id: "product_id",
      direction: "ASC",
    },
    query,
    sql`SELECT 1 FROM products WHERE id = ${id}`,
  );
  if (extra.length === 0) return null;
  return toList(
    query,
    rows,
    counted,
    (row) => ({ key: row.version, id: row.product_id }),
    (row) => ({
      version: row.version,
      at: isoTimestamp(row.at),
      actor: row.actor,
      action: row.action,
      snapshot: JSON.parse(row.snapshot),
    }),
  );
}
