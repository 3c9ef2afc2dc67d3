import type { Role } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import { prefixed, sha256 } from "../platform/ids.ts";
import { ACCESS_TOKEN_SECONDS, signAccessToken } from "./access-token.ts";
import type { KeyRing } from "./keys.ts";

/** How long a refresh token waits to be used, in milliseconds. Each renewal gives a fresh one. */
export const REFRESH_TOKEN_LIFE = 30 * 24 * 60 * 60 * 1000;

const MAX_USER_AGENT_LENGTH = 200;

/** The user that a session was begun or renewed for, as its row stood in that very batch. */
export interface SessionUser {
  id: string;
  email: string;
  name: string;
  role: Role;
}

export interface NewSession {
  id: string;
  refreshToken: string;
  /**
   * For a batch, the last one reading back the `SessionUser`: nothing is written and nobody read unless the user's
   * row is there, not disabled, and still has the password that was checked.
   */
  statements: D1PreparedStatement[];
}

export async function newSession(
  context: Context,
  user: { id: string; passwordHash: string },
  userAgent: string | undefined,
): Promise<NewSession> {
  const { env, ids, clock } = context;
  const now = clock.now();
  const id = prefixed("ses", ids.next());
  const refreshToken = ids.secret();
  return {
    id,
    refreshToken,
    statements: [
      env.DB.prepare(
        `INSERT INTO sessions (id, user_id, user_agent, created_at, last_used_at)
         SELECT ?1, id, ?2, ?3, ?3 FROM users WHERE id = ?4 AND password_hash = ?5 AND disabled_at IS NULL`,
      ).bind(id, userAgent?.slice(0, MAX_USER_AGENT_LENGTH) ?? null, now, user.id, user.passwordHash),
      env.DB.prepare(
        `INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
         SELECT ?1, id, ?2, ?3 FROM sessions WHERE id = ?4`,
      ).bind(await sha256(refreshToken), now, now + REFRESH_TOKEN_LIFE, id),
      env.DB.prepare(
        `SELECT users.id, users.email, users.name, users.role
         FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.id = ?1`,
      ).bind(id),
    ],
  };
}

/** What a sign-in, a registration and a renewal all give, in the wire's words. */
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
