import { eq } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { type KeyRingResult, keyRing } from "./keys.ts";
import { NO_ACCOUNT_HASH, verifyPassword } from "./password.ts";
import { grantTokens, newSession, type Tokens } from "./session.ts";
import { users } from "./tables.ts";

/** What signing in needs of carts, which stand above accounts in the house. The app wires it. */
export interface CartPort {
  /**
   * Makes what a guest has in a cart the user's. Exactly once, however often it is asked for. Returns the id of the
   * cart that has it now; null for a token that opens no cart to be had.
   */
  merge(context: Context, userId: string, token: string): Promise<string | null>;
}

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

  const db = orm(env.DB);
  const user = await db
    .select({ id: users.id, passwordHash: users.passwordHash })
    .from(users)
    .where(eq(users.email, given.email))
    .get();
  const matches = await verify(given.password, user?.passwordHash ?? NO_ACCOUNT_HASH);
  if (!user || !matches) return { kind: "invalid_credentials" };

  const session = await newSession(context, user, userAgent);
  const [, , [signedIn]] = await db.batch(session.statements);
  if (!signedIn) return { kind: "invalid_credentials" };
  return { kind: "signed_in", tokens: await grantTokens(keys.ring, clock.now(), signedIn, session) };
}
