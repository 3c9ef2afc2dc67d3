import { eq } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { type KeyRingResult, keyRing } from "./keys.ts";
import { NO_ACCOUNT_HASH, verifyPassword } from "./password.ts";
import { grantTokens, newSession, type Tokens } from "./session.ts";
import { users } from "./tables.ts";

/** What signing in needs from the room of carts, which is above accounts. The app wires it. */
export interface CartPort {
  /**
   * Moves the items of a guest's cart to the user, exactly once however often it is called. Returns the id of the cart that
   * has them now; null if the token opens no cart that can be merged.
   */
  merge(context: Context, userId: string, token: string): Promise<string | null>;
}

export type SignInOutcome =
  | { kind: "signed_in"; tokens: Tokens }
  | { kind: "invalid_credentials" }
  | Extract<KeyRingResult, { kind: "misconfigured" }>;

/**
 * Signs in with a password. An unknown address, a wrong password and a disabled account give the same answer after the same
 * time, because each computes one scrypt.
 * @param verify for tests, which count its calls
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
