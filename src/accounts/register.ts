import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { isCommonPassword } from "./common-passwords.ts";
import { type KeyRingResult, keyRing } from "./keys.ts";
import { newUserRow } from "./new-user.ts";
import { hashPassword } from "./password.ts";
import { inTurn, type TooManyAtOnce } from "./scrypt-turns.ts";
import { grantTokens, newSession, type Tokens } from "./session.ts";
import { users } from "./tables.ts";
import { askForVerification } from "./verify-email.ts";

export type RegisterOutcome =
  | { kind: "registered"; tokens: Tokens }
  | { kind: "email_taken" }
  | { kind: "common_password" }
  | TooManyAtOnce
  | Extract<KeyRingResult, { kind: "misconfigured" }>;

/** Creates a customer's account and signs it in. The unique index decides whether the address is taken. */
export async function register(
  context: Context,
  given: { email: string; password: string; name: string },
  userAgent: string | undefined,
): Promise<RegisterOutcome> {
  const { env, ids, clock, settings } = context;
  const keys = await keyRing(settings);
  if (keys.kind === "misconfigured") return keys;

  if (await isCommonPassword(given.password)) return { kind: "common_password" };
  const turn = await inTurn(context, () => hashPassword(given.password));
  if (turn.kind === "too_many_at_once") return turn;
  const passwordHash = turn.value;
  const now = clock.now();
  const { email, name } = given;
  const user = newUserRow({ id: ids.next(), email, name, passwordHash, role: "customer", now });
  const session = await newSession(context, { id: user.id, passwordHash }, userAgent);
  const db = orm(env.DB);
  const [, , , [registered]] = await db.batch([
    db
      .insert(users)
      .values({
        id: user.id,
        email: user.email,
        name: user.name,
        passwordHash,
        role: user.role,
        createdAt: now,
        updatedAt: now,
      })
      .onConflictDoNothing({ target: users.email }),
    ...session.statements,
  ]);
  if (!registered) return { kind: "email_taken" };
  await askForVerification(context, user.email);
  return { kind: "registered", tokens: await grantTokens(keys.ring, now, registered, session) };
}
