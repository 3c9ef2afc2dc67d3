import { count, DrizzleQueryError, type SQL, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";

/**
 * A set of rows is sent as one JSON parameter of `json_each(?)`, since D1 allows only 100 parameters a statement. It allows
 * 2 MB for one parameter.
 */
export const MAX_JSON_PARAMETER_BYTES = 1_000_000;

/** The largest size of a database on a paid plan: https://developers.cloudflare.com/d1/platform/limits/. */
export const DATABASE_LIMIT_BYTES = 10_000_000_000;

/**
 * drizzle over the database, for ordinary reads and single writes; the protocol's batches are SQL of our own. Creating it
 * costs nothing. Its `batch` accepts what select, insert, update and delete build, and fails on `run(sql…)`.
 */
export const orm = (db: D1Database): DrizzleD1Database => drizzle(db);

/**
 * The error that D1 threw, without drizzle's wrapper. The wrapper's message has the query's parameters (addresses, hashes,
 * whole mails), which must not be logged.
 */
export const withoutQuery = (error: unknown): unknown =>
  error instanceof DrizzleQueryError ? error.cause : error;

/** A value as a column of `insert … select`, the form of an insert that a condition can prevent. */
export const literal = (value: string | number | null) => sql`${value}`.as("literal");

/** A statement for drizzle's `batch`: how many rows match, counted up to `limit`. */
export const countUpTo = (db: DrizzleD1Database, limit: number, table: SQLiteTable, where: SQL | undefined) =>
  db.select({ count: count() }).from(
    db
      .select({ one: sql`1`.as("one") })
      .from(table)
      .where(where)
      .limit(limit)
      .as("matching"),
  );

/** SQLite's message when a value breaks a constraint. It names the table and the column, or the check. */
const CONSTRAINT_FAILED =
  /(?:NOT NULL|CHECK|UNIQUE|FOREIGN KEY) constraint failed(?:: [^:]+)?|datatype mismatch/;

/** Which constraint a write broke, in SQLite's words; null when it is another error. */
export const constraintIn = (error: unknown): string | null =>
  error instanceof Error ? (CONSTRAINT_FAILED.exec(error.message)?.[0] ?? null) : null;

/** Whether SQLite refused what a batch writes: it breaks a constraint, or is too large. Then nothing was written. */
export const isRefusal = (error: unknown): boolean =>
  constraintIn(error) !== null || (error instanceof Error && error.message.includes("SQLITE_TOOBIG"));
