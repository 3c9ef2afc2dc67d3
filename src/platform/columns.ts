import { getTableColumns } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";

/**
 * Lists of columns for SQL, derived from the tables' definitions, so that a column stands in one place: its name in D1 in
 * the statements, its name in the program in rows. All are made once, when a module is loaded.
 */

/** Of a table: its columns, by their names in the program. */
type Columns = Record<string, SQLiteColumn>;

export const columnsOf = <Table extends SQLiteTable>(table: Table) => getTableColumns(table);

/** `SELECT ${…}`: columns of `alias`, each under its name in the program. */
export const selectList = (columns: Columns, alias: string): string =>
  Object.entries(columns)
    .map(([key, { name }]) => (key === name ? `${alias}.${name}` : `${alias}.${name} AS ${key}`))
    .join(", ");

/** `INSERT INTO t (${…})`. */
export const insertList = (columns: Columns): string =>
  Object.values(columns)
    .map(({ name }) => name)
    .join(", ");

/** The values to `insertList`, from `row.value`, the JSON of a row as the program names it. */
export const jsonValues = (columns: Columns): string =>
  Object.keys(columns)
    .map((key) => `row.value ->> '${key}'`)
    .join(", ");
