import { and, eq, exists, gt, isNotNull, isNull, notExists, type SQL } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { sha256 } from "../platform/ids.ts";
import { type KeyRingResult, keyRing } from "./keys.ts";
import { grantTokens, newRefreshToken, SESSION_USER_COLUMNS, type Tokens } from "./session.ts";
import { refreshTokens, sessions, users } from "./tables.ts";

export type RefreshOutcome =
  | { kind: "refreshed"; tokens: Tokens }
  | { kind: "invalid_refresh_token" }
  | Extract<KeyRingResult, { kind: "misconfigured" }>;

/**
 * Exchanges a refresh token for the next one, in one batch: the first statement wins by inserting the next token, and all
 * later statements are joined on that row, as on a stamp.
 *
 * A token that comes a second time ends its session with all its tokens (RFC 9700, 4.14.2). That is also so for two
 * requests with one token at the same time, because an impatient client cannot be told from a thief, and having to sign in
 * again is the smaller harm. Access tokens that it gave end with it (./confirm-session.ts).
 */
export async function refresh(context: Context, token: string): Promise<RefreshOutcome> {
  const { env, ids, clock, settings, log } = context;
  const keys = await keyRing(settings);
  if (keys.kind === "misconfigured") return keys;

  const now = clock.now();
  const refreshToken = ids.secret();
  const [old, next] = await Promise.all([sha256(token), sha256(refreshToken)]);
  const db = orm(env.DB);
  const isOld = eq(refreshTokens.hash, old);
  const isNext = eq(refreshTokens.hash, next);
  const sessionOf = (token: SQL | undefined) =>
    db.select({ id: refreshTokens.sessionId }).from(refreshTokens).where(token);
  const [, reused, , , [row]] = await db.batch([
    db.insert(refreshTokens).select(
      db
        .select(newRefreshToken(next, refreshTokens.sessionId, now))
        .from(refreshTokens)
        .innerJoin(sessions, and(eq(sessions.id, refreshTokens.sessionId), isNull(sessions.revokedAt)))
        .innerJoin(users, and(eq(users.id, sessions.userId), isNull(users.disabledAt)))
        .where(and(isOld, isNull(refreshTokens.usedAt), gt(refreshTokens.expiresAt, now))),
    ),
    db
      .update(sessions)
      .set({ revokedAt: now })
      .where(
        and(
          eq(sessions.id, sessionOf(and(isOld, isNotNull(refreshTokens.usedAt)))),
          isNull(sessions.revokedAt),
          notExists(sessionOf(isNext)),
        ),
      )
      .returning({ id: sessions.id }),
    db
      .update(refreshTokens)
      .set({ usedAt: now })
      .where(and(isOld, exists(sessionOf(isNext)))),
    db
      .update(sessions)
      .set({ lastUsedAt: now })
      .where(eq(sessions.id, sessionOf(isNext))),
    db
      .select({ user: SESSION_USER_COLUMNS, sessionId: refreshTokens.sessionId })
      .from(refreshTokens)
      .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(isNext),
  ]);
  for (const { id } of reused) {
    log.warn("a used refresh token came back: its session is revoked", { session_id: id });
  }
  if (!row) return { kind: "invalid_refresh_token" };
  const session = { id: row.sessionId, refreshToken };
  return { kind: "refreshed", tokens: await grantTokens(keys.ring, now, row.user, session) };
}
