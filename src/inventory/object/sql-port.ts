import type { Books } from "./books.ts";

export type SqlValue = string | number | null;

/**
 * All that the Stock logic knows of its storage: SQLite with synchronous calls. The object passes `ctx.storage`, and tests
 * pass node:sqlite.
 */
export interface Sql {
  /** Runs one statement and returns its rows. */
  all<T>(query: string, ...params: SqlValue[]): T[];
  /** Runs `work` as one transaction: if it throws, all of it is undone. */
  transact<T>(work: () => T): T;
}

/** What one command works with: one transaction, at one moment. */
export interface Turn {
  sql: Sql;
  /** What memory has of the storage: in a turn, levels and meta are read and changed here, never by `sql`. */
  books: Books;
  /** Milliseconds since the epoch. */
  now: number;
}

/** The first row of a query that always has one. */
export function one<T>(rows: T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error("a query that always has a row had none");
  return row;
}
