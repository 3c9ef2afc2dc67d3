import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { sha256 } from "../platform/ids.ts";
import { type KeyRingResult, keyRing } from "./keys.ts";
import { grantTokens, REFRESH_TOKEN_LIFE, type SessionUser, type Tokens } from "./session.ts";

export type RefreshOutcome =
  | { kind: "refreshed"; tokens: Tokens }
  | { kind: "invalid_refresh_token" }
  | Extract<KeyRingResult, { kind: "misconfigured" }>;

/**
 * Trades a refresh token for the next one, in one batch: the first statement wins by writing the successor's row, and
 * that row is the stamp that all others ask for.
 *
 * A token that was used before ends its session, the newest token of that family included (RFC 9700, 4.14.2). Of two
 * at once with one token the first wins and the second is such a reuse: a thief and an impatient client look alike,
 * and signing in again is the cheaper mistake. Access tokens already given out live on for their 15 minutes.
 */
export async function refresh(context: Context, token: string): Promise<RefreshOutcome> {
  const { env, ids, clock, settings, log } = context;
  const keys = await keyRing(settings);
  if (keys.kind === "misconfigured") return keys;

  const now = clock.now();
  const refreshToken = ids.secret();
  const [old, next] = await Promise.all([sha256(token), sha256(refreshToken)]);
  const results = await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
       SELECT ?2, old.session_id, ?3, ?4
       FROM refresh_tokens AS old
         JOIN sessions ON sessions.id = old.session_id AND sessions.revoked_at IS NULL
         JOIN users ON users.id = sessions.user_id AND users.disabled_at IS NULL
       WHERE old.hash = ?1 AND old.used_at IS NULL AND old.expires_at > ?3`,
    ).bind(old, next, now, now + REFRESH_TOKEN_LIFE),
    env.DB.prepare(
      `UPDATE sessions SET revoked_at = ?3
       WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = ?1 AND used_at IS NOT NULL)
         AND revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE hash = ?2)
       RETURNING id`,
    ).bind(old, next, now),
    env.DB.prepare(
      `UPDATE refresh_tokens SET used_at = ?3
       WHERE hash = ?1 AND EXISTS (SELECT 1 FROM refresh_tokens WHERE hash = ?2)`,
    ).bind(old, next, now),
    env.DB.prepare(
      `UPDATE sessions SET last_used_at = ?2
       WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = ?1)`,
    ).bind(next, now),
    env.DB.prepare(
      `SELECT users.id, users.email, users.name, users.role, sessions.id AS session_id
       FROM refresh_tokens
         JOIN sessions ON sessions.id = refresh_tokens.session_id
         JOIN users ON users.id = sessions.user_id
       WHERE refresh_tokens.hash = ?1`,
    ).bind(next),
  ]);
  for (const { id } of rowsOf<{ id: string }>(results, 1)) {
    log.warn("a used refresh token came back: its session is revoked", { session_id: id });
  }
  const user = rowsOf<SessionUser & { session_id: string }>(results, 4)[0];
  if (!user) return { kind: "invalid_refresh_token" };
  const session = { id: user.session_id, refreshToken };
  return { kind: "refreshed", tokens: await grantTokens(keys.ring, now, user, session) };
}
