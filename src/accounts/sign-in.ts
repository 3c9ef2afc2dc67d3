import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { type KeyRingResult, keyRing } from "./keys.ts";
import { NO_ACCOUNT_HASH, verifyPassword } from "./password.ts";
import { grantTokens, newSession, type SessionUser, type Tokens } from "./session.ts";

export type SignInOutcome =
  | { kind: "signed_in"; tokens: Tokens }
  | { kind: "invalid_credentials" }
  | Extract<KeyRingResult, { kind: "misconfigured" }>;

/**
 * Trades a password for a session. An unknown address, a wrong password and a disabled account are told apart by
 * nothing: each costs the one scrypt.
 * @param verify counts the scrypts in tests
 */
export async function signIn(
  context: Context,
  given: { email: string; password: string },
  userAgent: string | undefined,
  verify = verifyPassword,
): Promise<SignInOutcome> {
  const { env, clock, settings } = context;
  const keys = await keyRing(settings);
  if (keys.kind === "misconfigured") return keys;

  const user = await env.DB.prepare("SELECT id, password_hash FROM users WHERE email = ?1")
    .bind(given.email)
    .first<{ id: string; password_hash: string }>();
  const matches = await verify(given.password, user?.password_hash ?? NO_ACCOUNT_HASH);
  if (!user || !matches) return { kind: "invalid_credentials" };

  const session = await newSession(context, { id: user.id, passwordHash: user.password_hash }, userAgent);
  const results = await env.DB.batch(session.statements);
  const signedIn = rowsOf<SessionUser>(results, session.statements.length - 1)[0];
  if (!signedIn) return { kind: "invalid_credentials" };
  return { kind: "signed_in", tokens: await grantTokens(keys.ring, clock.now(), signedIn, session) };
}
