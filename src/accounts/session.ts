import { and, eq, isNull } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Context } from "../platform/context.ts";
import { literal, orm } from "../platform/d1.ts";
import { prefixed, sha256 } from "../platform/ids.ts";
import { ACCESS_TOKEN_SECONDS, signAccessToken } from "./access-token.ts";
import type { KeyRing } from "./keys.ts";
import { refreshTokens, sessions, users } from "./tables.ts";

/** How long a refresh token can be used. Each renewal gives a new one. */
export const REFRESH_TOKEN_LIFE_MS = 30 * 24 * 60 * 60 * 1000;

const MAX_USER_AGENT_LENGTH = 200;

export const SESSION_USER_COLUMNS = { id: users.id, email: users.email, name: users.name, role: users.role };

/** The user of a session, read in the batch that began or renewed the session. */
export type SessionUser = Pick<typeof users.$inferSelect, keyof typeof SESSION_USER_COLUMNS>;

/**
 * The statements, for a batch, that begin a session. They write nothing unless the user exists, is not disabled and still
 * has the password that was checked. The last one reads the `SessionUser`, or no row if nothing was written.
 */
export async function newSession(
  { env, ids, clock }: Context,
  user: { id: string; passwordHash: string },
  userAgent: string | undefined,
) {
  const db = orm(env.DB);
  const now = clock.now();
  const id = prefixed("ses", ids.next());
  const refreshToken = ids.secret();
  const statements = [
    db.insert(sessions).select(
      db
        .select({
          id: literal(id),
          userId: users.id,
          userAgent: literal(userAgent?.slice(0, MAX_USER_AGENT_LENGTH) ?? null),
          createdAt: literal(now),
          lastUsedAt: literal(now),
          revokedAt: literal(null),
        })
        .from(users)
        .where(
          and(eq(users.id, user.id), eq(users.passwordHash, user.passwordHash), isNull(users.disabledAt)),
        ),
    ),
    db.insert(refreshTokens).select(
      db
        .select(newRefreshToken(await sha256(refreshToken), sessions.id, now))
        .from(sessions)
        .where(eq(sessions.id, id)),
    ),
    db
      .select(SESSION_USER_COLUMNS)
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(eq(sessions.id, id)),
  ] as const;
  return { id, refreshToken, statements };
}

/** The columns of a new refresh token, for an `insert … select` from a table that has its session. */
export const newRefreshToken = (hash: string, sessionId: SQLiteColumn, now: number) => ({
  hash: literal(hash),
  sessionId,
  createdAt: literal(now),
  expiresAt: literal(now + REFRESH_TOKEN_LIFE_MS),
  usedAt: literal(null),
});

/** The answer to a sign-in, a registration and a renewal, with the API's field names. */
export async function grantTokens(
  ring: KeyRing,
  now: number,
  user: SessionUser,
  session: { id: string; refreshToken: string },
) {
  const claims = { userId: user.id, role: user.role, sessionId: session.id };
  return {
    user: { id: user.id, email: user.email, name: user.name, role: user.role },
    access_token: await signAccessToken(ring, claims, now),
    refresh_token: session.refreshToken,
    token_type: "Bearer" as const,
    expires_in: ACCESS_TOKEN_SECONDS,
  };
}

export type Tokens = Awaited<ReturnType<typeof grantTokens>>;
