import { LEASE_MS } from "../../events/take.ts";
import { emptyProjection } from "../../inventory/projection/projection.ts";
import { SET_ASIDE } from "../../payments/set-aside.ts";
import type { Context } from "../../platform/context.ts";
import { constraintIn } from "../../platform/d1.ts";
import {
  GENERATION,
  type RestoreRefusal,
  refusalOf,
  refuseUnlessRestoring,
} from "../../platform/restoring.ts";
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
import { openSecrets, sealSecrets } from "./secrets.ts";
import { EMPTIED_WITH, FOLLOWS, readTables, type Table } from "./tables.ts";

/** In the place of a hash: no password matches it. */
const NO_PASSWORD = "none";

const PAGE_ROWS = 500;
/** Events that one call of dumpChanges reads. */
const ROUND_EVENTS = 500;
/** The name of the statement in dumpChanges that is for no table; no table has such a name. */
const EVENTS = "events gone through";

export type Row = Record<string, unknown>;

export interface TablePage {
  rows: Row[];
  next: string | null;
}

/** Which page of a table is wanted. */
export interface Wanted {
  /** JSON of the key of the last row of the page before. */
  cursor: string | null;
  /** Only rows that changed then or later, by the column of `changedAt`; milliseconds. */
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
      WHERE ${allOf(conditions)} ORDER BY ${key} LIMIT ${constant(PAGE_ROWS)}`,
  );
  const last = rows.at(-1);
  const more = rows.length === PAGE_ROWS && last !== undefined;
  return {
    rows: await sealSecrets(context, table.name, rows),
    next: more ? JSON.stringify(table.key.map((column) => last[column])) : null,
  };
}

/** Trusted, since these names of columns come from the database itself. */
const namesOf = (names: string[]): Sql => trusted(names.join(", "));

/** The column that says when a row last changed; null where none does. */
export const changedAt = ({ columns }: Table): string | null =>
  ["updated_at", "received_at", "created_at"].find((column) => columns.includes(column)) ?? null;

/** Whether it can be a cursor of this table: a value for each column of its key. */
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
  /** The rows by the name of their table. */
  rows: Record<string, Row[]>;
  /** The last event that was read: the next call goes on after it. */
  seq: number;
  /** Whether there are more events already. */
  more: boolean;
}

/**
 * All rows of the orders and products that changed after an event, as they are at one moment. A backup reads the tables one
 * after the other, so an order that changes meanwhile is torn: its row has one version, its lines another. Every change of
 * an order or product appends an event in its batch. So one batch that reads all rows of what the events name makes those
 * whole again, and whatever changes after that has a later event. When there are no more events, the backup is consistent.
 * What those name comes along, as `FOLLOWS` says, and so do the Idempotency-Keys of these changes: otherwise a retry after
 * the restore would make a second order.
 * @param began when the backup began, milliseconds; null for a client that asks for no keys
 */
export async function dumpChanges(context: Context, after: number, began: number | null): Promise<Changes> {
  const tables = await readTables(context);
  const wanted = tables.flatMap((table) => {
    const where = rowsOfRound(table, after, began);
    return where === null ? [] : [{ table, where }];
  });
  const { [EVENTS]: events = [], ...rows } = await batch<Record<string, Sql<Row>>>(context.env.DB, {
    [EVENTS]: sql<Row>`SELECT seq FROM events WHERE seq > ${after} ORDER BY seq LIMIT ${constant(ROUND_EVENTS)}`,
    ...Object.fromEntries(
      wanted.map(({ table, where }) => [
        table.name,
        sql<Row>`SELECT ${namesOf(table.columns)} FROM ${trusted(table.name)} WHERE ${where}`,
      ]),
    ),
  });
  const told = await Promise.all(
    Object.entries(rows).map(async ([name, some]) => [name, await sealSecrets(context, name, some)] as const),
  );
  return {
    rows: Object.fromEntries(told),
    seq: (events.at(-1)?.seq as number | undefined) ?? after,
    more: events.length === ROUND_EVENTS,
  };
}

/** SQL: the rows of a table that come with the events of a round; null if it has no such rows. */
function rowsOfRound({ name }: Table, after: number, began: number | null): Sql | null {
  const round = sql`SELECT seq, object_id, object_type FROM events WHERE seq > ${after} ORDER BY seq LIMIT ${constant(ROUND_EVENTS)}`;
  if (name === "events") return sql`seq IN (SELECT seq FROM (${round}))`;
  const follow = FOLLOWS[name];
  if (follow === undefined || !("rows" in follow)) return null;
  const rows = follow.rows((type) => sql`SELECT object_id FROM (${round}) WHERE object_type = ${type}`);
  if (name !== "idempotency") return rows;
  return began === null ? null : sql`created_at >= ${youngSince(began)} AND ${rows}`;
}

/** So long a request may take: a key that is answered now was stored, or made young again, no earlier. */
const MAX_REQUEST_MS = 3_600_000;

/**
 * From when on a key may change while a backup is made that began then. An index by operation would cost each order a write,
 * so only these keys are looked through, along the index by age.
 */
const youngSince = (began: number): number => began - MAX_REQUEST_MS;

/** The tables that a backup reads again after the objects, and from when on; null for all their rows. */
export const readAgain = (began: number): { table: string; since: number | null }[] =>
  Object.entries(FOLLOWS)
    .filter(([, { by }]) => by === "end" || by === "event and end")
    .map(([table, { by }]) => ({ table, since: by === "end" ? null : youngSince(began) }));

/**
 * The last event, and how many tasks and jobs are under way. Those may have begun before a restore closed the shop, and may
 * still write. A worker that dies reports nothing, so each counts for as long as its worker could live. A run that goes on by
 * a task does not count by itself; its task does.
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

/** What became of a batch of a restore. Unless it is `done`, nothing was written. `unfit`: the table does not take these rows. */
export type RestoreOutcome = { kind: "done" } | { kind: RestoreRefusal } | { kind: "unfit"; message: string };

/** Writes in one batch for the restore of this generation. It is refused in the batch itself, so however late it comes. */
async function writeForRestore(
  context: Context,
  generation: number,
  statements: Sql[],
): Promise<RestoreOutcome> {
  try {
    await runBatch(context.env.DB, [refuseUnlessRestoring(generation), ...statements]);
    return { kind: "done" };
  } catch (error) {
    const message = constraintIn(error);
    if (message !== null) return { kind: "unfit", message };
    const refusal = await refusalOf(context, generation);
    if (refusal === null) throw error;
    return { kind: refusal };
  }
}

/** Rows of a table, for the restore of this generation. */
export interface TablePart {
  generation: number;
  first: boolean;
  rows: Row[];
}

/** Loads rows, with `first` after it has emptied the table. A row that is there already is replaced. */
export async function loadTable(
  context: Context,
  table: Table,
  { generation, first, rows: sealed }: TablePart,
): Promise<RestoreOutcome> {
  const opened = await openSecrets(context, table.name, sealed);
  if (opened.kind !== "opened") {
    return { kind: "unfit", message: `BACKUP_KEY is another than the one that sealed ${opened.column}` };
  }
  const { rows } = opened;
  const name = trusted(table.name);
  const adds = ADDED_TO[table.name];
  const emptied = adds ? [] : [table.name, ...(EMPTIED_WITH[table.name] ?? [])];
  const keeps = table.name === "users";
  const columns = table.columns.filter((column) => column !== adds?.numbered);
  const values = joined(
    columns.map((column) =>
      keeps && column === "password_hash" ? PASSWORD_HASH : trusted(`value ->> '$.${column}'`),
    ),
  );
  return writeForRestore(context, generation, [
    ...(first && keeps ? [KEEP_PASSWORDS] : []),
    ...(first ? emptied.map((one) => sql`DELETE FROM ${trusted(one)}`) : []),
    sql`INSERT OR ${trusted(adds ? "IGNORE" : "REPLACE")} INTO ${name} (${namesOf(columns)})
      SELECT ${values} FROM ${each(rows)} WHERE ${adds?.where ?? sql`true`}`,
  ]);
}

/** Tables that a restore never empties: it adds what is missing, and changes nothing that is there. */
const ADDED_TO: Record<string, { numbered?: string; where: Sql }> = {
  // A key that was revoked since the backup stays so.
  api_keys: { where: sql`true` },
  // Nobody gets rid of what was written down. Where lines of another shop come, they are numbered anew.
  audit_log: {
    numbered: "seq",
    where: sql`NOT EXISTS (
      SELECT 1 FROM audit_log AS l
      WHERE l.object_type = value ->> '$.object_type' AND l.object_id = value ->> '$.object_id' AND l.at = value ->> '$.at'
        AND l.actor = value ->> '$.actor' AND l.action = value ->> '$.action'
        AND l.before IS value ->> '$.before' AND l.after IS value ->> '$.after')`,
  },
};

/**
 * The password that an account has in the shop stays: it is newer than the backup's, and who changed it since did so for a
 * reason. It is kept beside `users` from when that is emptied until all tables are loaded, however many tries that takes.
 */
const KEEP_PASSWORDS = sql`
  INSERT INTO kept_passwords (user_id, password_hash)
  SELECT id, password_hash FROM users WHERE password_hash <> ${NO_PASSWORD}
  ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash`;

/** Of a row of `users` that is loaded: the one that was kept, else the backup's, else none, until its owner asks for a new one. */
const PASSWORD_HASH = sql`coalesce(
  (SELECT k.password_hash FROM kept_passwords AS k WHERE k.user_id = value ->> '$.id'),
  value ->> '$.password_hash', ${NO_PASSWORD})`;

/**
 * To be called after all tables are loaded. `events_owed` counts rows of another table, which may be torn in a backup, so it
 * is counted again: otherwise an order could wait for ever for an event that was worked off. For the same reason each
 * event that is to be worked off gets a task if it has none: it may have been read before it was worked off, and its task
 * after that. And a task goes whose event came after its table was read: its provider tells it again. The projection is emptied. A
 * reconciliation that went on when the backup was made must not go on: it would repair objects that are only half loaded,
 * and each restore ends with its own. Nobody of now holds a lease that was taken before.
 */
export function finishTables(context: Context, generation: number): Promise<RestoreOutcome> {
  const counts = [
    sql`DELETE FROM work WHERE state = 'owed' AND task = 'reconcile'`,
    sql`UPDATE work SET lease = NULL WHERE state = 'owed' AND lease IS NOT NULL`,
    sql`DELETE FROM cart_items WHERE cart_id NOT IN (SELECT id FROM carts)`,
    sql`UPDATE orders SET events_owed = (
        SELECT count(*) FROM payment_events AS e WHERE e.order_id = orders.id AND ${IS_COUNTED})
      WHERE events_owed > 0 OR id IN (SELECT order_id FROM payment_events WHERE state = 'owed')`,
    oweLostEvents(context),
    DROP_TASKS_OF_NO_EVENT,
    sql`DELETE FROM kept_passwords`,
    // The job `clean-up` erases again whom this restore has brought back.
    sql`UPDATE erasures SET at = ${context.clock.now()}`,
  ];
  return writeForRestore(context, generation, [...emptyProjection(), ...counts]);
}

/** Whether a payment event `e` keeps its order from expiring: one that was set aside, or waits, does not. */
const IS_COUNTED = sql`e.state = 'owed' AND e.outcome IS NULL`;
/** Whether it must have a task. */
const IS_WORKED_OFF = sql`e.state = 'owed' AND e.outcome IS NOT ${SET_ASIDE}`;

const DROP_TASKS_OF_NO_EVENT = sql`
  DELETE FROM work WHERE task = 'payment-event' AND state IN ('owed', 'dead')
    AND (payload ->> 'provider', payload ->> 'event_id') NOT IN (SELECT provider, event_id FROM payment_events)`;

/**
 * Tasks for payment events that are to be worked off and have none. A dead one is a task: staff can try it again. Named after
 * this restore too, since the task that an earlier one made may be in the backup, and done.
 */
const oweLostEvents = ({ clock, requestId }: Context): Sql => sql`
  INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, request_id, created_at)
  SELECT 'wrk_' || e.operation || '-restored-' || ${GENERATION}, 'payment-event', e.event_id,
    json_object('provider', e.provider, 'event_id', e.event_id), 'owed', ${clock.now()}, 0, ${requestId}, ${clock.now()}
  FROM payment_events AS e WHERE ${IS_WORKED_OFF} AND (e.provider, e.event_id) NOT IN (
    SELECT w.payload ->> 'provider', w.payload ->> 'event_id' FROM work AS w
    WHERE w.task = 'payment-event' AND w.state IN ('owed', 'dead'))
  ON CONFLICT DO NOTHING`;
