import { getTableColumns } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { joined, type Sql, trusted } from "./sql.ts";

/**
 * Lists of columns for SQL, derived from the tables' definitions, so that a column is named in one place. Statements use
 * its name in D1; rows use its name in the program. All lists are made once, when a module is loaded.
 */

/** A table's columns by their names in the program. */
type Columns = Record<string, SQLiteColumn>;

export const columnsOf = <Table extends SQLiteTable>(table: Table) => getTableColumns(table);

/** For `SELECT ${…}`: the columns of `alias`, each under its name in the program. */
export const selectList = (columns: Columns, alias: string): Sql =>
  joined(
    Object.entries(columns).map(([key, { name }]) =>
      trusted(key === name ? `${alias}.${name}` : `${alias}.${name} AS ${key}`),
    ),
  );

/** For `INSERT INTO t (${…})`. */
export const insertList = (columns: Columns): Sql =>
  joined(Object.values(columns).map(({ name }) => trusted(name)));

/** The values for `insertList`, read from `row.value`: the JSON of a row with the program's names. */
export const jsonValues = (columns: Columns): Sql =>
  joined(Object.keys(columns).map((key) => trusted(`row.value ->> '${key}'`)));
