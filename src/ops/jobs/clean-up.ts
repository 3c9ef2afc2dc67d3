import { encodeTime } from "ulid";
import { REFRESH_TOKEN_LIFE_MS } from "../../accounts/session.ts";
import type { Context } from "../../platform/context.ts";
import { type IdPrefix, prefixed } from "../../platform/ids.ts";
import { all, constant, run, runBatch, type Sql, sql } from "../../platform/sql.ts";

const DAY_MS = 24 * 3_600_000;
/** Mails are kept in development only, to be read by who tries things out. */
const EMAIL_LIFE_MS = 7 * DAY_MS;
/** A guest's cart that nobody touched for so long is abandoned: its token is lost with a browser's storage. */
const GUEST_CART_LIFE_MS = 30 * DAY_MS;
/** A user comes back to a cart from any device. */
const USER_CART_LIFE_MS = 90 * DAY_MS;
/** Rows that one statement looks at or deletes: short enough to let orders through between two. */
const CHUNK = 1_000;
/** Chunks of one table a run; what is left is the next run's. */
const MAX_CHUNKS = 500;

/** One statement's share. `cursor` is where the next begins; null at the end. */
interface Chunk {
  deleted: number;
  cursor: string | null;
}

interface Broom {
  what: string;
  sweep: (db: D1Database, cursor: string) => Promise<Chunk>;
}

/**
 * Job `clean-up`: deletes what is older than `RETENTION_DAYS` (0 keeps all) or has ended by itself, in small
 * statements that each stand for themselves, so it may be cut off anywhere. Orders, movements, claims, dead work and
 * daily reports stay. What is exactly as old as that stays too.
 */
export async function cleanUp(context: Context): Promise<string | null> {
  const now = context.clock.now();
  const { RETENTION_DAYS } = context.settings;
  const brooms = [
    ...(RETENTION_DAYS === 0 ? [] : retained(now - RETENTION_DAYS * DAY_MS)),
    expiredTokens(now),
    endedSessions(now),
    oldEmails(now),
    abandonedCarts("guests' carts", sql`user_id IS NULL`, now - GUEST_CART_LIFE_MS),
    abandonedCarts("users' carts", sql`user_id IS NOT NULL`, now - USER_CART_LIFE_MS),
  ];
  const done: string[] = [];
  for (const broom of brooms) {
    const deleted = await sweep(context, broom);
    if (deleted > 0) done.push(`${broom.what} ${deleted}`);
  }
  return done.length === 0 ? null : `deleted ${done.join(", ")}`;
}

async function sweep({ env }: Context, broom: Broom): Promise<number> {
  let deleted = 0;
  let cursor: string | null = "";
  for (let chunks = 0; chunks < MAX_CHUNKS && cursor !== null; chunks++) {
    const chunk: Chunk = await broom.sweep(env.DB, cursor);
    deleted += chunk.deleted;
    cursor = chunk.cursor;
  }
  return deleted;
}

/** What has an index by age, or was appended in order: the oldest rows again and again, until they are young. */
function oldest(what: string, remove: Sql): Broom {
  return {
    what,
    sweep: async (db) => {
      const deleted = await run(db, remove);
      return { deleted, cursor: deleted < CHUNK ? null : "" };
    },
  };
}

/**
 * What is keyed by an id that is ordered by time, and of which some rows must stay: walked from the first id to the
 * last that is old enough to be looked at.
 */
function walked(
  what: string,
  prefix: IdPrefix,
  before: number,
  {
    ids,
    remove,
  }: {
    /** The ids between two, both left out, in their order. */
    ids: (after: string, last: string) => Sql<{ id: string }>;
    /** Deletes what may go, from after one id up to another. */
    remove: (after: string, end: string) => Sql;
  },
): Broom {
  const last = prefixed(prefix, encodeTime(before).toLowerCase());
  return {
    what,
    sweep: async (db, cursor) => {
      const found = await all(db, sql<{ id: string }>`${ids(cursor, last)} LIMIT ${constant(CHUNK)}`);
      const end = found.at(-1)?.id;
      if (end === undefined) return { deleted: 0, cursor: null };
      const deleted = await run(db, remove(cursor, end));
      return { deleted, cursor: found.length < CHUNK ? null : end };
    },
  };
}

const retained = (before: number): Broom[] => [
  walked("history lines of ended orders", "ord", before, {
    ids: (after, last) => sql`
      SELECT DISTINCT order_id AS id FROM order_history
      WHERE order_id > ${after} AND order_id < ${last} ORDER BY order_id`,
    remove: (after, end) => sql`
      DELETE FROM order_history WHERE order_id > ${after} AND order_id <= ${end} AND EXISTS (
        SELECT 1 FROM orders AS o WHERE o.id = order_history.order_id AND o.status_at < ${before}
          AND o.status IN ('delivered', 'returned', 'cancelled', 'expired', 'rejected'))`,
  }),
  oldest(
    "events",
    sql`DELETE FROM events WHERE seq IN (
      SELECT seq FROM (SELECT seq, at FROM events ORDER BY seq LIMIT ${constant(CHUNK)}) WHERE at < ${before})`,
  ),
  oldest(
    "tasks done",
    sql`DELETE FROM work WHERE id IN (
      SELECT id FROM work WHERE state = 'done' AND finished_at < ${before} ORDER BY finished_at LIMIT ${constant(CHUNK)})`,
  ),
  oldest(
    "job runs",
    sql`DELETE FROM job_runs WHERE id IN (
      SELECT id FROM job_runs WHERE started_at < ${before} ORDER BY started_at LIMIT ${constant(CHUNK)})`,
  ),
];

const expiredTokens = (now: number): Broom =>
  oldest(
    "expired refresh tokens",
    sql`DELETE FROM refresh_tokens WHERE hash IN (
      SELECT hash FROM refresh_tokens WHERE expires_at < ${now} ORDER BY expires_at LIMIT ${constant(CHUNK)})`,
  );

/** Sessions that were revoked, or that no token renews any more; young ones are not looked at. */
const endedSessions = (now: number): Broom =>
  walked("ended sessions", "ses", now - REFRESH_TOKEN_LIFE_MS, {
    ids: (after, last) => sql`SELECT id FROM sessions WHERE id > ${after} AND id < ${last} ORDER BY id`,
    remove: (after, end) => sql`
      DELETE FROM sessions WHERE id > ${after} AND id <= ${end}
        AND (revoked_at IS NOT NULL OR last_used_at < ${now - REFRESH_TOKEN_LIFE_MS})`,
  });

const oldEmails = (now: number): Broom =>
  oldest(
    "kept mails",
    sql`DELETE FROM emails WHERE id IN (
      SELECT id FROM (SELECT id, sent_at FROM emails ORDER BY id LIMIT ${constant(CHUNK)}) WHERE sent_at < ${now - EMAIL_LIFE_MS})`,
  );

/**
 * Carts that were neither changed nor ordered for so long, the longest first, with what is in them. That a living order
 * names one keeps it no longer: the order has its own items, and finds the others of its cart without it.
 */
function abandonedCarts(what: string, whose: Sql, before: number): Broom {
  const untouched = sql`
    SELECT id FROM carts WHERE ${whose} AND updated_at < ${before} ORDER BY updated_at, id LIMIT ${constant(CHUNK)}`;
  return {
    what,
    sweep: async (db) => {
      const [, deleted = 0] = await runBatch(db, [
        sql`DELETE FROM cart_items WHERE cart_id IN (${untouched})`,
        sql`DELETE FROM carts WHERE id IN (${untouched})`,
      ]);
      return { deleted, cursor: deleted < CHUNK ? null : "" };
    },
  };
}
