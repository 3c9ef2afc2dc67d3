import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { type KeyRingResult, keyRing } from "./keys.ts";
import { newUserRow } from "./new-user.ts";
import { hashPassword } from "./password.ts";
import { grantTokens, newSession, type SessionUser, type Tokens } from "./session.ts";

export type RegisterOutcome =
  | { kind: "registered"; tokens: Tokens }
  | { kind: "email_taken" }
  | Extract<KeyRingResult, { kind: "misconfigured" }>;

/** Opens a customer's account and signs it in. The unique index decides whether the address is taken. */
export async function register(
  context: Context,
  given: { email: string; password: string; name: string },
  userAgent: string | undefined,
): Promise<RegisterOutcome> {
  const { env, ids, clock, settings } = context;
  const keys = await keyRing(settings);
  if (keys.kind === "misconfigured") return keys;

  const passwordHash = await hashPassword(given.password);
  const now = clock.now();
  const { email, name } = given;
  const user = newUserRow({ id: ids.next(), email, name, passwordHash, role: "customer", now });
  const session = await newSession(context, { id: user.id, passwordHash }, userAgent);
  const results = await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO users (id, email, name, password_hash, role, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (email) DO NOTHING`,
    ).bind(user.id, user.email, user.name, user.password_hash, user.role, now),
    ...session.statements,
  ]);
  const registered = rowsOf<SessionUser>(results, session.statements.length)[0];
  if (!registered) return { kind: "email_taken" };
  return { kind: "registered", tokens: await grantTokens(keys.ring, now, registered, session) };
}
