import { and, eq, exists } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { type KeyRingResult, keyRing } from "./keys.ts";
import { hashPassword, isOutdated, NO_ACCOUNT_HASH, verifyPassword } from "./password.ts";
import { inTurn, type TooManyAtOnce } from "./scrypt-turns.ts";
import { grantTokens, newSession, type Tokens } from "./session.ts";
import { sessions, users } from "./tables.ts";
import { type TryOutcome, trySignIn } from "./tries.ts";

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
  | Extract<TryOutcome, { kind: "limited" }>
  | TooManyAtOnce
  | Extract<KeyRingResult, { kind: "misconfigured" }>;

/**
 * Signs in with a password. An unknown address, a wrong password and a disabled account give the same answer after the same
 * time, because each computes one scrypt. Too many wrong ones make the next wait, before any is computed (./tries.ts).
 * The hash of a right password that was made at another price is made anew, with the session.
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

  const attempt = await trySignIn(context, given.email);
  if (attempt.kind === "limited") return attempt;
  const { tried } = attempt;

  const db = orm(env.DB);
  const user = await db
    .select({ id: users.id, passwordHash: users.passwordHash })
    .from(users)
    .where(eq(users.email, given.email))
    .get();
  const stored = user?.passwordHash ?? NO_ACCOUNT_HASH;
  const turn = await inTurn(context, async () => {
    const matches = await verify(given.password, stored);
    return { matches, better: matches && isOutdated(stored) ? await hashPassword(given.password) : null };
  });
  if (turn.kind === "too_many_at_once") {
    await tried.unknown();
    return turn;
  }
  const { matches, better } = turn.value;
  if (!user || !matches) {
    await tried.wrong();
    return { kind: "invalid_credentials" };
  }

  const session = await newSession(context, user, userAgent);
  const [, , [signedIn]] = await db.batch([
    ...session.statements,
    ...(better === null
      ? []
      : [
          db
            .update(users)
            .set({ passwordHash: better })
            .where(
              and(
                eq(users.id, user.id),
                eq(users.passwordHash, stored),
                exists(db.select({ id: sessions.id }).from(sessions).where(eq(sessions.id, session.id))),
              ),
            ),
        ]),
  ]);
  if (!signedIn) return { kind: "invalid_credentials" };
  await tried.right();
  return { kind: "signed_in", tokens: await grantTokens(keys.ring, clock.now(), signedIn, session) };
}
