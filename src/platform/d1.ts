import { count, DrizzleQueryError, type SQL, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";

/**
 * D1 has no interactive transactions; `batch()` is one transaction and one round trip. Sets of rows travel as one
 * JSON parameter through `json_each(?)`: D1 allows 100 parameters a statement, and one parameter of 2 MB.
 */
export const MAX_JSON_PARAMETER_BYTES = 1_000_000;

/**
 * drizzle over the database, for reads and single writes. Protocol batches are SQL in their own files. Making one
 * costs nothing. Its `batch` takes what select, insert, update and delete build, and breaks on `run(sql…)`.
 */
export const orm = (db: D1Database): DrizzleD1Database => drizzle(db);

/**
 * What D1 threw. drizzle's error around it repeats the query's parameters: addresses, hashes and whole mails, which
 * belong in no log.
 */
export const withoutQuery = (error: unknown): unknown =>
  error instanceof DrizzleQueryError ? error.cause : error;

/** A value among the columns of an `insert … select`, whose rows a condition can withhold. */
export const given = (value: string | number | null) => sql`${value}`.as("given");

/** A statement for drizzle's `batch`: how many rows match, counted no further than `limit`. */
export const countUpTo = (db: DrizzleD1Database, limit: number, table: SQLiteTable, where: SQL | undefined) =>
  db.select({ count: count() }).from(
    db
      .select({ one: sql`1`.as("one") })
      .from(table)
      .where(where)
      .limit(limit)
      .as("matching"),
  );

/** What SQLite refuses of the values it was given. The words name the table and the column, or the check. */
const REFUSED = /(?:NOT NULL|CHECK|UNIQUE|FOREIGN KEY) constraint failed(?:: [^:]+)?|datatype mismatch/;

/** Which constraint a write broke, in SQLite's words; null when the error is another. */
export const constraintIn = (error: unknown): string | null =>
  error instanceof Error ? (REFUSED.exec(error.message)?.[0] ?? null) : null;
