import { drizzle } from "drizzle-orm/d1";

/**
 * D1 has no interactive transactions; `batch()` is one transaction and one round trip. Sets of rows travel as one
 * JSON parameter through `json_each(?)`: D1 allows 100 parameters a statement, and one parameter of 2 MB.
 */
export const MAX_JSON_PARAMETER_BYTES = 1_000_000;

/** drizzle over the database, for reads and single writes. Protocol batches are SQL in their own files. */
export const orm = (db: D1Database) => drizzle(db);

/** The rows of the n-th statement of a batch. */
export function rowsOf<T>(results: D1Result[], index: number): T[] {
  return (results[index]?.results ?? []) as T[];
}

/** One parameter for `json_each(?)`. */
export const jsonParameter = (rows: readonly unknown[]): string => JSON.stringify(rows);
