import type { Context } from "../../platform/context.ts";
import { all, each, first, sql } from "../../platform/sql.ts";

/**
 * Tables that no backup has: the applied migrations (the manifest names the last), whether the shop sells (the restore sets
 * it), the counters of this very shop, the projection and its counts, which a restore empties and the objects report again,
 * what triggers derive from the catalogue, and the figures, which are computed again from the orders.
 */
const LEFT_OUT = [
  "cache_generation",
  "counters",
  "d1_migrations",
  "shop_state",
  "stock_levels",
  "product_stock",
  "store_stock",
  "stock_states",
  "product_documents",
  "document_counts",
  "title_words",
  "order_figures",
  "sale_figures",
  "product_figures",
  "figures_added_up",
];

export interface Table {
  name: string;
  columns: string[];
  /** The columns of the primary key, in its order. Pages are in this order. */
  key: string[];
}

/** Every table that a backup has, by name. Virtual tables and the tables behind them are left out, since they are derived. */
export async function readTables(context: Context): Promise<Table[]> {
  const columns = await all(
    context.env.DB,
    sql<{ table: string; column_name: string; pk: number }>`
      SELECT m.name AS "table", c.name AS column_name, c.pk FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c
      WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name NOT LIKE '\\_cf\\_%' ESCAPE '\\'
        AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND m.name NOT IN (SELECT value FROM ${each(LEFT_OUT)})
        AND NOT EXISTS (SELECT 1 FROM sqlite_master AS v WHERE v.sql LIKE 'CREATE VIRTUAL%'
          AND m.name LIKE replace(v.name, '_', '\\_') || '\\_%' ESCAPE '\\')
      ORDER BY m.name, c.cid`,
  );
  return [...Map.groupBy(columns, (row) => row.table)].map(([name, rows]) => ({
    name,
    columns: rows.map((row) => row.column_name),
    key: rows
      .filter((row) => row.pk > 0)
      .toSorted((one, other) => one.pk - other.pk)
      .map((row) => row.column_name),
  }));
}

export const findTable = async (context: Context, name: string): Promise<Table | null> =>
  (await readTables(context)).find((table) => table.name === name) ?? null;

/** The last migration that is applied. A backup fits only where it is the same. */
export async function readSchemaVersion(context: Context): Promise<string> {
  const row = await first(
    context.env.DB,
    sql<{ name: string }>`SELECT name FROM d1_migrations ORDER BY id DESC LIMIT 1`,
  );
  return row?.name ?? "none";
}
