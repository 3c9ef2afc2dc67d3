import { and, count, desc, eq, gt, isNull, lt } from "drizzle-orm";
import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { sha256 } from "../platform/ids.ts";
import { decodeCursor, type PageQuery, pageWindow, toList } from "../platform/pagination.ts";
import { REFRESH_TOKEN_LIFE_MS } from "./session.ts";
import { refreshTokens, sessions } from "./tables.ts";

/** A user's sessions that can still be renewed, the newest first. They are sorted by id, which is ordered by time. */
export async function listSessions(
  { env, clock }: Context,
  user: { userId: string; sessionId?: string },
  query: PageQuery,
) {
  const db = orm(env.DB);
  const after = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const alive = and(isOpen(user.userId), gt(sessions.lastUsedAt, clock.now() - REFRESH_TOKEN_LIFE_MS));
  const [rows, [counted]] = await db.batch([
    db
      .select()
      .from(sessions)
      .where(after === null ? alive : and(alive, lt(sessions.id, after.id)))
      .orderBy(desc(sessions.id))
      .limit(limit)
      .offset(offset),
    db.select({ count: count() }).from(sessions).where(alive),
  ]);
  return toList(
    query,
    rows,
    counted?.count ?? 0,
    (row) => ({ key: row.createdAt, id: row.id }),
    (row) => ({
      id: row.id,
      user_agent: row.userAgent,
      current: row.id === user.sessionId,
      created_at: isoTimestamp(row.createdAt),
      last_used_at: isoTimestamp(row.lastUsedAt),
    }),
  );
}

/** Ends all sessions of a user, the current one included. */
export async function endSessions({ env, clock }: Context, userId: string): Promise<void> {
  await orm(env.DB).update(sessions).set({ revokedAt: clock.now() }).where(isOpen(userId));
}

/** Ends one of a user's sessions. @returns whether there was such a one */
export async function endSession({ env, clock }: Context, userId: string, id: string): Promise<boolean> {
  const ended = await orm(env.DB)
    .update(sessions)
    .set({ revokedAt: clock.now() })
    .where(and(isOpen(userId), eq(sessions.id, id)))
    .returning({ id: sessions.id });
  return ended.length > 0;
}

const isOpen = (userId: string) => and(eq(sessions.userId, userId), isNull(sessions.revokedAt));

/** Ends the session of a refresh token, whether the token was used or not. An unknown token is no error (RFC 7009, 2.2). */
export async function signOut({ env, clock }: Context, refreshToken: string): Promise<void> {
  const db = orm(env.DB);
  const itsSession = db
    .select({ id: refreshTokens.sessionId })
    .from(refreshTokens)
    .where(eq(refreshTokens.hash, await sha256(refreshToken)));
  await db
    .update(sessions)
    .set({ revokedAt: clock.now() })
    .where(and(eq(sessions.id, itsSession), isNull(sessions.revokedAt)));
}
