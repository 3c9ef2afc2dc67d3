import { encodeTime } from "ulid";
import { REFRESH_TOKEN_LIFE_MS } from "../../accounts/session.ts";
import type { Context } from "../../platform/context.ts";
import { type IdPrefix, prefixed } from "../../platform/ids.ts";
import { all, constant, databaseBytes, run, runBatch, type Sql, sql } from "../../platform/sql.ts";
import { eraseAgain } from "../../privacy/erase.ts";

const DAY_MS = 24 * 3_600_000;
/** Mails are kept in development only, for whoever tries the shop out. */
const EMAIL_LIFE_MS = 7 * DAY_MS;
/** A guest who has not touched a cart for this long has probably lost its token with the browser's storage. */
const GUEST_CART_LIFE_MS = 30 * DAY_MS;
/** Longer, because a user can come back to a cart from any device. */
const USER_CART_LIFE_MS = 90 * DAY_MS;
/** Rows that one statement reads or deletes: few enough that orders need not wait long. */
const CHUNK_ROWS = 1_000;
/** Chunks of one table in one run; the next run does the rest. */
const MAX_CHUNKS = 500;

/** What one chunk did. `cursor` is where the next chunk begins; null at the end. */
interface Chunk {
  deleted: number;
  cursor: string | null;
}

interface Purge {
  what: string;
  run: (db: D1Database, cursor: string) => Promise<Chunk>;
}

/**
 * Job `clean-up`: deletes what is older than `RETENTION_DAYS` (0 keeps all) or has expired. Each of its small statements
 * stands for itself, so it may be cut off anywhere. Orders, movements, claims, dead tasks and daily reports stay. It says
 * what the database took up before and after, with all that the shop wrote meanwhile.
 */
export async function cleanUp(context: Context): Promise<string | null> {
  const now = context.clock.now();
  const { RETENTION_DAYS } = context.settings;
  const purges = [
    ...(RETENTION_DAYS === 0 ? [] : retained(now - RETENTION_DAYS * DAY_MS)),
    expiredTokens(now),
    endedSessions(now),
    oldEmails(now),
    abandonedCarts("guests' carts", sql`user_id IS NULL`, now - GUEST_CART_LIFE_MS),
    abandonedCarts("users' carts", sql`user_id IS NOT NULL`, now - USER_CART_LIFE_MS),
  ];
  const before = await databaseBytes(context.env.DB);
  const done: string[] = [];
  const erased = await eraseAgain(context);
  if (erased > 0) done.push(`accounts that came back ${erased}`);
  for (const purge of purges) {
    const deleted = await runInChunks(context, purge);
    if (deleted > 0) done.push(`${purge.what} ${deleted}`);
  }
  if (done.length === 0) return null;
  const after = await databaseBytes(context.env.DB);
  return `deleted ${done.join(", ")}; the database had ${before} bytes and has ${after}`;
}

async function runInChunks({ env }: Context, purge: Purge): Promise<number> {
  let deleted = 0;
  let cursor: string | null = "";
  for (let chunks = 0; chunks < MAX_CHUNKS && cursor !== null; chunks++) {
    const chunk: Chunk = await purge.run(env.DB, cursor);
    deleted += chunk.deleted;
    cursor = chunk.cursor;
  }
  return deleted;
}

/** For rows with an index by age, or in the order of their age: deletes the oldest chunk until there is no full one. */
function purgeOldest(what: string, remove: Sql): Purge {
  return {
    what,
    run: async (db) => {
      const deleted = await run(db, remove);
      return { deleted, cursor: deleted < CHUNK_ROWS ? null : "" };
    },
  };
}

/**
 * For rows of which some must stay, and whose ids sort by time: goes from the first id to the last that is old enough, and
 * deletes what may go.
 */
function purgeById(
  what: string,
  prefix: IdPrefix,
  before: number,
  {
    ids,
    remove,
  }: {
    /** The ids between two, without these two, in order. */
    ids: (after: string, last: string) => Sql<{ id: string }>;
    /** Deletes what may go, after one id and up to another. */
    remove: (after: string, end: string) => Sql;
  },
): Purge {
  const last = prefixed(prefix, encodeTime(before).toLowerCase());
  return {
    what,
    run: async (db, cursor) => {
      const found = await all(db, sql<{ id: string }>`${ids(cursor, last)} LIMIT ${constant(CHUNK_ROWS)}`);
      const end = found.at(-1)?.id;
      if (end === undefined) return { deleted: 0, cursor: null };
      const deleted = await run(db, remove(cursor, end));
      return { deleted, cursor: found.length < CHUNK_ROWS ? null : end };
    },
  };
}

const retained = (before: number): Purge[] => [
  purgeById("history lines of ended orders", "ord", before, {
    ids: (after, last) => sql`
      SELECT DISTINCT order_id AS id FROM order_history
      WHERE order_id > ${after} AND order_id < ${last} ORDER BY order_id`,
    remove: (after, end) => sql`
      DELETE FROM order_history WHERE order_id > ${after} AND order_id <= ${end} AND EXISTS (
        SELECT 1 FROM orders AS o WHERE o.id = order_history.order_id AND o.status_at < ${before}
          AND o.status IN ('delivered', 'returned', 'cancelled', 'expired', 'rejected'))`,
  }),
  // The newest stays, however old: the next one is numbered after it, and no reader may see a number twice.
  purgeOldest(
    "events",
    sql`DELETE FROM events WHERE seq < (SELECT max(seq) FROM events) AND seq IN (
      SELECT seq FROM (SELECT seq, at FROM events ORDER BY seq LIMIT ${constant(CHUNK_ROWS)}) WHERE at < ${before})`,
  ),
  // By their ids, which say when they were made: an index by when they were done would cost each task a write.
  purgeById("tasks done", "wrk", before, {
    ids: (after, last) => sql`SELECT id FROM work WHERE id > ${after} AND id < ${last} ORDER BY id`,
    remove: (after, end) => sql`
      DELETE FROM work WHERE id > ${after} AND id <= ${end} AND state = 'done' AND finished_at < ${before}`,
  }),
  purgeOldest(
    "job runs",
    sql`DELETE FROM job_runs WHERE id IN (
      SELECT id FROM job_runs WHERE started_at < ${before} ORDER BY started_at LIMIT ${constant(CHUNK_ROWS)})`,
  ),
];

const expiredTokens = (now: number): Purge =>
  purgeOldest(
    "expired refresh tokens",
    sql`DELETE FROM refresh_tokens WHERE hash IN (
      SELECT hash FROM refresh_tokens WHERE expires_at < ${now} ORDER BY expires_at LIMIT ${constant(CHUNK_ROWS)})`,
  );

/** Sessions that were revoked, or that no token can renew any more. Younger ones need no check. */
const endedSessions = (now: number): Purge =>
  purgeById("ended sessions", "ses", now - REFRESH_TOKEN_LIFE_MS, {
    ids: (after, last) => sql`SELECT id FROM sessions WHERE id > ${after} AND id < ${last} ORDER BY id`,
    remove: (after, end) => sql`
      DELETE FROM sessions WHERE id > ${after} AND id <= ${end}
        AND (revoked_at IS NOT NULL OR last_used_at < ${now - REFRESH_TOKEN_LIFE_MS})`,
  });

const oldEmails = (now: number): Purge =>
  purgeOldest(
    "kept mails",
    sql`DELETE FROM emails WHERE id IN (
      SELECT id FROM (SELECT id, sent_at FROM emails ORDER BY id LIMIT ${constant(CHUNK_ROWS)}) WHERE sent_at < ${now - EMAIL_LIFE_MS})`,
  );

/**
 * Carts that were neither changed nor ordered for so long, the longest first, with their items. A cart goes even if a living
 * order names it, since the order has its own items and needs only the cart's id.
 */
function abandonedCarts(what: string, whose: Sql, before: number): Purge {
  const untouched = sql`
    SELECT id FROM carts WHERE ${whose} AND updated_at < ${before} ORDER BY updated_at, id LIMIT ${constant(CHUNK_ROWS)}`;
  return {
    what,
    run: async (db) => {
      const [, deleted = 0] = await runBatch(db, [
        sql`DELETE FROM cart_items WHERE cart_id IN (${untouched})`,
        sql`DELETE FROM carts WHERE id IN (${untouched})`,
      ]);
      return { deleted, cursor: deleted < CHUNK_ROWS ? null : "" };
    },
  };
}
