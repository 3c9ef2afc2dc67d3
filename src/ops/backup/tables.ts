import type { Context } from "../../platform/context.ts";
import { all, constant, each, first, type Sql, sql } from "../../platform/sql.ts";

/**
 * Tables that no backup has: the applied migrations (the manifest names the last), whether the shop sells (the restore sets
 * it), the counters of this very shop, the projection and its counts, which a restore empties and the objects report again,
 * what triggers derive from the catalogue and of customers' names, and the figures, which are computed again from the orders.
 * Sessions stay as they are: a backup would bring back those that have ended since. So does what was erased.
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
  "product_figures",
  "figures_added_up",
  "order_words",
  ...["sessions", "refresh_tokens", "kept_passwords", "acting", "erasures"],
];

/**
 * What is emptied with a table, of which it is derived: a trigger that deletes for each row would take longer than a
 * statement may.
 */
export const EMPTIED_WITH: Record<string, string[]> = { orders: ["order_words"] };

/** The ids of the orders or products that the events of a round are about. */
export type Changed = (type: "order" | "product") => Sql;

/** How what changes in a table, after a backup has read it, comes into that backup. */
export type Follow =
  /** By event: in the batch that reads an order or product again, so that they fit together. SQL over the table. */
  | { by: "event"; rows: (changed: Changed) => Sql }
  /** Read again at the end, whole: it is small, and what the objects have names its rows. */
  | { by: "end" }
  /** By event, and those of the time of the backup once more at the end, without their answers (cli/saved-answers.ts). */
  | { by: "event and end"; rows: (changed: Changed) => Sql }
  /** Not at all, so it may be a moment older than the rest. */
  | { by: "nothing"; because: string };

const ofOrders: Follow = { by: "event", rows: (changed) => sql`order_id IN (${changed("order")})` };
const ofProducts: Follow = { by: "event", rows: (changed) => sql`product_id IN (${changed("product")})` };
const cartsOf = (changed: Changed) => sql`SELECT cart_id FROM orders WHERE id IN (${changed("order")})`;

/**
 * Every table that a backup has, and how its changes come. Each change of an order or product appends an event in its batch.
 * What an order or product names must be there with it, though it was made after its own table was read: the user, the
 * cart, the category. A test fails for a table that is missing here.
 */
export const FOLLOWS: Record<string, Follow> = {
  addresses: { by: "nothing", because: "one that is missing is typed again" },
  audit_log: { by: "nothing", because: "its last lines may be missing, where the shop is lost with them" },
  api_keys: { by: "nothing", because: "one that is missing is made again" },
  cart_items: { by: "event", rows: (changed) => sql`cart_id IN (${cartsOf(changed)})` },
  carts: { by: "event", rows: (changed) => sql`id IN (${cartsOf(changed)})` },
  categories: {
    by: "event",
    rows: (changed) => sql`id IN (SELECT category_id FROM products WHERE id IN (${changed("product")}))`,
  },
  claims: ofOrders,
  daily_reports: { by: "nothing", because: "one that is missing is made again" },
  emails: { by: "nothing", because: "it is for people in development" },
  // Those of the round itself (dump-table.ts).
  events: { by: "event", rows: () => sql`false` },
  identities: {
    by: "event",
    rows: (changed) => sql`user_id IN (SELECT user_id FROM orders WHERE id IN (${changed("order")}))`,
  },
  idempotency: {
    by: "event and end",
    rows: (changed) => sql`operation IN (
      SELECT substr(id, ${constant("ord_".length + 1)}) FROM orders WHERE id IN (${changed("order")})
      UNION ALL SELECT operation FROM order_history WHERE order_id IN (${changed("order")}) AND operation IS NOT NULL
      UNION ALL SELECT substr(id, ${constant("prd_".length + 1)}) FROM products WHERE id IN (${changed("product")}))`,
  },
  job_runs: { by: "nothing", because: "a run that was cut off is made up for" },
  jobs: { by: "nothing", because: "its rows stand for themselves" },
  low_stock: ofProducts,
  order_history: ofOrders,
  order_items: ofOrders,
  order_stores: ofOrders,
  orders: { by: "event", rows: (changed) => sql`id IN (${changed("order")})` },
  payment_events: ofOrders,
  payments: ofOrders,
  product_history: ofProducts,
  products: { by: "event", rows: (changed) => sql`id IN (${changed("product")})` },
  refunds: ofOrders,
  returns: ofOrders,
  // Users name them.
  roles: { by: "end" },
  shipments: ofOrders,
  stores: { by: "end" },
  users: {
    by: "event",
    rows: (changed) => sql`id IN (SELECT user_id FROM orders WHERE id IN (${changed("order")}))`,
  },
  // A payment event and its task may be torn all the same: see finishTables.
  work: { by: "event", rows: (changed) => sql`object_id IN (${changed("order")})` },
};

export interface Table {
  name: string;
  columns: string[];
  /** The columns of the primary key, in its order. Pages are in this order. */
  key: string[];
}

/**
 * Every table that a backup has, in the order in which it is to be read: keys first, so that each answer in a backup has its
 * effect in it, and then by name. Virtual tables and the tables behind them are left
 * out, since they are derived.
 */
export async function readTables(context: Context): Promise<Table[]> {
  const columns = await all(
    context.env.DB,
    sql<{ table: string; column_name: string; pk: number }>`
      SELECT m.name AS "table", c.name AS column_name, c.pk FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c
      WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name NOT LIKE '\\_cf\\_%' ESCAPE '\\'
        AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND m.name NOT IN (SELECT value FROM ${each(LEFT_OUT)})
        AND NOT EXISTS (SELECT 1 FROM sqlite_master AS v WHERE v.sql LIKE 'CREATE VIRTUAL%'
          AND m.name LIKE replace(v.name, '_', '\\_') || '\\_%' ESCAPE '\\')
      ORDER BY m.name <> 'idempotency', m.name, c.cid`,
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
