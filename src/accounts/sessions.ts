import { isoStamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { decodeCursor, type PageQuery, pageWindow, toList } from "../platform/pagination.ts";
import { REFRESH_TOKEN_LIFE } from "./session.ts";

interface SessionRow {
  id: string;
  user_agent: string | null;
  created_at: number;
  last_used_at: number;
}

/** A user's sessions that can still be renewed, the newest first: ids are ordered by time. */
export async function listSessions(
  context: Context,
  user: { userId: string; sessionId?: string },
  query: PageQuery,
) {
  const { env, clock } = context;
  const after = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const alive = "user_id = ?1 AND revoked_at IS NULL AND last_used_at > ?2";
  const since = clock.now() - REFRESH_TOKEN_LIFE;
  const results = await env.DB.batch([
    env.DB.prepare(
      `SELECT id, user_agent, created_at, last_used_at FROM sessions
       WHERE ${alive} AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4 OFFSET ?5`,
    ).bind(user.userId, since, after?.id ?? null, limit, offset),
    env.DB.prepare(`SELECT count(*) AS count FROM sessions WHERE ${alive}`).bind(user.userId, since),
  ]);
  return toList(
    query,
    rowsOf<SessionRow>(results, 0),
    rowsOf<{ count: number }>(results, 1)[0]?.count ?? 0,
    (row) => ({ key: row.created_at, id: row.id }),
    (row) => ({
      id: row.id,
      user_agent: row.user_agent,
      current: row.id === user.sessionId,
      created_at: isoStamp(row.created_at),
      last_used_at: isoStamp(row.last_used_at),
    }),
  );
}

/** Signs a user out everywhere, the one that asks included. */
export async function endSessions(context: Context, userId: string): Promise<void> {
  await context.env.DB.prepare(
    "UPDATE sessions SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL",
  )
    .bind(userId, context.clock.now())
    .run();
}
