export type SqlValue = string | number | null;

/**
 * All that the Stock logic knows of its storage: SQLite, and nothing that waits. The object gives it `ctx.storage`,
 * tests and the simulator node:sqlite.
 */
export interface Sql {
  /** Runs one statement and returns its rows. */
  all<T>(query: string, ...params: SqlValue[]): T[];
  /** All of `work` or none of it: what throws inside is undone. */
  transact<T>(work: () => T): T;
}

/** One command's turn at the object: one transaction, at one moment. */
export interface Turn {
  sql: Sql;
  /** Milliseconds since the epoch. */
  now: number;
}

/** The only row of a query that always has one. */
export function one<T>(rows: T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error("a query that always has a row had none");
  return row;
}
