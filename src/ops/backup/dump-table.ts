import { LEASE_MS } from "../../events/take.ts";
import { emptyProjection } from "../../inventory/projection.ts";
import type { Context } from "../../platform/context.ts";
import { constraintIn, jsonParameter, rowsOf } from "../../platform/d1.ts";
import { MAX_RUN_MS } from "../jobs/perform.ts";
import { readTables, type Table } from "./tables.ts";

const ROWS_A_PAGE = 500;
/** Events that one round of changes goes through. */
const EVENTS_A_ROUND = 500;

export type Row = Record<string, unknown>;

export interface TablePage {
  rows: Row[];
  next: string | null;
}

/** Which rows of a table, from where on. */
export interface Wanted {
  /** The key of the row to go on after, as JSON. */
  cursor: string | null;
  /** Only those that changed then or later, by the table's own word; milliseconds. */
  since: number | null;
}

/** A page of a table, in the order of its primary key. */
export async function dumpTable(
  context: Context,
  table: Table,
  { cursor, since }: Wanted,
): Promise<TablePage> {
  const after = cursor === null ? [] : (JSON.parse(cursor) as unknown[]);
  const key = table.key.join(", ");
  const conditions = [
    ...(after.length === 0 ? [] : [`(${key}) > (${table.key.map(() => "?").join(", ")})`]),
    ...(since === null ? [] : [`${changedAt(table)} >= ?`]),
  ];
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const { results } = await context.env.DB.prepare(
    `SELECT ${table.columns.join(", ")} FROM ${table.name} ${where} ORDER BY ${key} LIMIT ${ROWS_A_PAGE}`,
  )
    .bind(...after, ...(since === null ? [] : [since]))
    .all<Row>();
  const last = results.at(-1);
  const more = results.length === ROWS_A_PAGE && last !== undefined;
  return { rows: results, next: more ? JSON.stringify(table.key.map((column) => last[column])) : null };
}

/** The column that says when a row last changed; null where none does. */
export const changedAt = ({ columns }: Table): string | null =>
  ["updated_at", "received_at", "created_at"].find((column) => columns.includes(column)) ?? null;

/** The cursor of a table that another key has cannot be ours. */
export function isCursorOf(table: Table, cursor: string): boolean {
  try {
    const values: unknown = JSON.parse(cursor);
    return (
      Array.isArray(values) &&
      values.length === table.key.length &&
      values.every((value) => typeof value === "string" || typeof value === "number")
    );
  } catch {
    return false;
  }
}

export interface Changes {
  /** By table. */
  rows: Record<string, Row[]>;
  /** The last event that was gone through: ask for what came after it. */
  seq: number;
  /** More had happened already. */
  more: boolean;
}

/**
 * All rows of the orders and products that changed after an event, as they are together at one moment. Tables are paged
 * out one after the other, so what moves meanwhile is torn: an order of one version with the lines of another. Every
 * change of an order or a product appends an event in its batch; so reading whole, in one batch, what the events name
 * makes it whole again, and what moves after that has a later event. When a round finds no more, all is whole.
 */
export async function dumpChanges(context: Context, after: number): Promise<Changes> {
  const { DB } = context.env;
  const tables = await readTables(context);
  const changed = (type: string) =>
    `SELECT object_id FROM (SELECT object_id, object_type FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2)
     WHERE object_type = '${type}'`;
  const wanted = tables.flatMap((table) => {
    const where = aggregateOf(table, changed);
    return where === null ? [] : [{ table, where }];
  });
  const results = await DB.batch([
    DB.prepare("SELECT seq FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2").bind(after, EVENTS_A_ROUND),
    ...wanted.map(({ table, where }) =>
      DB.prepare(`SELECT ${table.columns.join(", ")} FROM ${table.name} WHERE ${where}`).bind(
        after,
        EVENTS_A_ROUND,
      ),
    ),
  ]);
  const seqs = rowsOf<{ seq: number }>(results, 0);
  return {
    rows: Object.fromEntries(wanted.map(({ table }, index) => [table.name, rowsOf<Row>(results, 1 + index)])),
    seq: seqs.at(-1)?.seq ?? after,
    more: seqs.length === EVENTS_A_ROUND,
  };
}

/** Which rows of a table belong to a changed order or product; null: the table is about neither. */
function aggregateOf({ name, columns }: Table, changed: (type: string) => string): string | null {
  if (name === "events") return "seq IN (SELECT seq FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
  if (name === "orders") return `id IN (${changed("order")})`;
  if (name === "products") return `id IN (${changed("product")})`;
  // Nothing leans on a cart: one that moves meanwhile may come back as it was a moment before or after.
  if (name === "cart_items") return null;
  if (name === "work") return `object_id IN (${changed("order")})`;
  if (columns.includes("order_id")) return `order_id IN (${changed("order")})`;
  if (columns.includes("product_id")) return `product_id IN (${changed("product")})`;
  return null;
}

/**
 * Where the log of events stands now, and how many tasks and jobs are under way. These began before a restore closed the
 * shop and may still write; they are counted for as long as they can live, since one that died says nothing. A run that
 * waits for its walk to go on is no more under way than the walk's row of work.
 */
export async function readProgress({ env, clock }: Context): Promise<{ lastSeq: number; underWay: number }> {
  const now = clock.now();
  const row = await env.DB.prepare(
    `SELECT (SELECT coalesce(max(seq), 0) FROM events) AS last_seq,
       (SELECT count(*) FROM work
        WHERE state = 'owed' AND lease IS NOT NULL AND started_at > ?1 AND not_before > ?2)
       + (SELECT count(*) FROM job_runs AS r WHERE r.outcome = 'running' AND r.started_at > ?3
           AND NOT EXISTS (SELECT 1 FROM work AS w WHERE w.state = 'owed' AND w.task = 'reconcile' AND w.object_id = r.id)) AS under_way`,
  )
    .bind(now - LEASE_MS, now, now - MAX_RUN_MS)
    .first<{ last_seq: number; under_way: number }>();
  return { lastSeq: row?.last_seq ?? 0, underWay: row?.under_way ?? 0 };
}

/** `unfit`: the table takes no such rows, and nothing was done. */
export type LoadOutcome = { kind: "loaded" } | { kind: "unfit"; message: string };

/** Puts rows back; with `first` after emptying the table, in one batch. A row that stands there already gives way. */
export async function loadTable(
  context: Context,
  table: Table,
  rows: Row[],
  first: boolean,
): Promise<LoadOutcome> {
  const { DB } = context.env;
  const values = table.columns.map((column) => `value ->> '$.${column}'`);
  const batch = [
    ...(first ? [DB.prepare(`DELETE FROM ${table.name}`)] : []),
    DB.prepare(
      `INSERT OR REPLACE INTO ${table.name} (${table.columns.join(", ")})
       SELECT ${values.join(", ")} FROM json_each(?1)`,
    ).bind(jsonParameter(rows)),
  ];
  try {
    await DB.batch(batch);
  } catch (error) {
    const message = constraintIn(error);
    if (message === null) throw error;
    return { kind: "unfit", message };
  }
  return { kind: "loaded" };
}

/**
 * After all tables are loaded. What one table counts of another may be torn by a moment in the backup: it is counted
 * again, or an order would wait for ever for an event that was worked off. The projection starts empty. A nightly walk
 * that the backup was made in the middle of does not go on: it would mend objects that are only half loaded, and each
 * restore ends with a reconciliation of its own.
 */
export async function finishTables(context: Context): Promise<void> {
  const { DB } = context.env;
  await DB.batch([
    ...emptyProjection(DB),
    DB.prepare("DELETE FROM work WHERE state = 'owed' AND task = 'reconcile'"),
    DB.prepare("DELETE FROM cart_items WHERE cart_id NOT IN (SELECT id FROM carts)"),
    DB.prepare(
      `UPDATE orders SET events_owed =
         (SELECT count(*) FROM payment_events AS e WHERE e.order_id = orders.id AND e.state = 'owed')
       WHERE events_owed > 0 OR id IN (SELECT order_id FROM payment_events WHERE state = 'owed')`,
    ),
  ]);
}
