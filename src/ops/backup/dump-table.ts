import { LEASE_MS } from "../../events/take.ts";
import { emptyProjection } from "../../inventory/projection.ts";
import type { Context } from "../../platform/context.ts";
import { constraintIn } from "../../platform/d1.ts";
import {
  all,
  allOf,
  batch,
  constant,
  each,
  first as firstRow,
  joined,
  runBatch,
  type Sql,
  sql,
  trusted,
  type Value,
} from "../../platform/sql.ts";
import { GOES_ON, MAX_RUN_MS } from "../jobs/perform.ts";
import { readTables, type Table } from "./tables.ts";

const ROWS_A_PAGE = 500;
/** Events that one round of changes goes through. */
const EVENTS_A_ROUND = 500;
/** What a round of changes asks for besides its tables, none of which has such a name. */
const GONE_THROUGH = "events gone through";

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
  const after = cursor === null ? null : (JSON.parse(cursor) as Value[]);
  const changed = changedAt(table);
  const key = namesOf(table.key);
  const conditions = [
    ...(after === null ? [] : [sql`(${key}) > (${joined(after.map((value) => sql`${value}`))})`]),
    ...(since === null || changed === null ? [] : [sql`${trusted(changed)} >= ${since}`]),
  ];
  const rows = await all(
    context.env.DB,
    sql<Row>`SELECT ${namesOf(table.columns)} FROM ${trusted(table.name)}
      WHERE ${allOf(conditions)} ORDER BY ${key} LIMIT ${constant(ROWS_A_PAGE)}`,
  );
  const last = rows.at(-1);
  const more = rows.length === ROWS_A_PAGE && last !== undefined;
  return { rows, next: more ? JSON.stringify(table.key.map((column) => last[column])) : null };
}

/** Names that the database itself gave: of tables and of their columns. */
const namesOf = (names: string[]): Sql => trusted(names.join(", "));

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
  const tables = await readTables(context);
  const wanted = tables.flatMap((table) => {
    const where = aggregateOf(table, after);
    return where === null ? [] : [{ table, where }];
  });
  const { [GONE_THROUGH]: events = [], ...rows } = await batch<Record<string, Sql<Row>>>(context.env.DB, {
    [GONE_THROUGH]: sql<Row>`SELECT seq FROM events WHERE seq > ${after} ORDER BY seq LIMIT ${constant(EVENTS_A_ROUND)}`,
    ...Object.fromEntries(
      wanted.map(({ table, where }) => [
        table.name,
        sql<Row>`SELECT ${namesOf(table.columns)} FROM ${trusted(table.name)} WHERE ${where}`,
      ]),
    ),
  });
  return {
    rows,
    seq: (events.at(-1)?.seq as number | undefined) ?? after,
    more: events.length === EVENTS_A_ROUND,
  };
}

/** Which rows of a table belong to an order or product that changed after an event; null: the table is about neither. */
function aggregateOf({ name, columns }: Table, after: number): Sql | null {
  const changed = (type: "order" | "product") => sql`
    SELECT object_id FROM (SELECT object_id, object_type FROM events WHERE seq > ${after} ORDER BY seq LIMIT ${constant(EVENTS_A_ROUND)})
    WHERE object_type = ${type}`;
  if (name === "events") {
    return sql`seq IN (SELECT seq FROM events WHERE seq > ${after} ORDER BY seq LIMIT ${constant(EVENTS_A_ROUND)})`;
  }
  if (name === "orders") return sql`id IN (${changed("order")})`;
  if (name === "products") return sql`id IN (${changed("product")})`;
  // Nothing leans on a cart: one that moves meanwhile may come back as it was a moment before or after.
  if (name === "cart_items") return null;
  if (name === "work") return sql`object_id IN (${changed("order")})`;
  if (columns.includes("order_id")) return sql`order_id IN (${changed("order")})`;
  if (columns.includes("product_id")) return sql`product_id IN (${changed("product")})`;
  return null;
}

/**
 * Where the log of events stands now, and how many tasks and jobs are under way. These began before a restore closed the
 * shop and may still write; they are counted for as long as they can live, since one that died says nothing. A run that
 * waits for its walk to go on is no more under way than the walk's row of work.
 */
export async function readProgress({ env, clock }: Context): Promise<{ lastSeq: number; underWay: number }> {
  const now = clock.now();
  const row = await firstRow(
    env.DB,
    sql<{ last_seq: number; under_way: number }>`
      SELECT (SELECT coalesce(max(seq), 0) FROM events) AS last_seq,
        (SELECT count(*) FROM work
         WHERE state = 'owed' AND lease IS NOT NULL AND started_at > ${now - LEASE_MS} AND not_before > ${now})
        + (SELECT count(*) FROM job_runs AS run WHERE run.outcome = 'running' AND run.started_at > ${now - MAX_RUN_MS}
            AND NOT ${GOES_ON}) AS under_way`,
  );
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
  const name = trusted(table.name);
  const values = namesOf(table.columns.map((column) => `value ->> '$.${column}'`));
  try {
    await runBatch(context.env.DB, [
      ...(first ? [sql`DELETE FROM ${name}`] : []),
      sql`INSERT OR REPLACE INTO ${name} (${namesOf(table.columns)}) SELECT ${values} FROM ${each(rows)}`,
    ]);
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
  const counts = [
    sql`DELETE FROM work WHERE state = 'owed' AND task = 'reconcile'`,
    sql`DELETE FROM cart_items WHERE cart_id NOT IN (SELECT id FROM carts)`,
    sql`UPDATE orders SET events_owed =
        (SELECT count(*) FROM payment_events AS e WHERE e.order_id = orders.id AND e.state = 'owed')
      WHERE events_owed > 0 OR id IN (SELECT order_id FROM payment_events WHERE state = 'owed')`,
  ];
  await runBatch(context.env.DB, [...emptyProjection(), ...counts]);
}
