import { and, eq, isNull } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { verifyPassword } from "./password.ts";
import { inTurn, type TooManyAtOnce } from "./scrypt-turns.ts";
import { users } from "./tables.ts";
import { type TryOutcome, trySignIn } from "./tries.ts";

export type PasswordCheck =
  | { kind: "right"; passwordHash: string }
  | { kind: "wrong_password" }
  /** The account is disabled or gone. */
  | { kind: "gone" }
  | Extract<TryOutcome, { kind: "limited" }>
  | TooManyAtOnce;

/**
 * Whether a signed-in user knows their password, before what a stolen token must not do. It counts as a try to sign in: a
 * token is no way to guess the password faster.
 */
export async function checkPassword(
  context: Context,
  userId: string,
  password: string,
): Promise<PasswordCheck> {
  const row = await orm(context.env.DB)
    .select({ email: users.email, passwordHash: users.passwordHash })
    .from(users)
    .where(and(eq(users.id, userId), isNull(users.disabledAt)))
    .get();
  if (!row) return { kind: "gone" };
  const attempt = await trySignIn(context, row.email);
  if (attempt.kind === "limited") return attempt;
  const checked = await inTurn(context, () => verifyPassword(password, row.passwordHash));
  if (checked.kind === "too_many_at_once") {
    await attempt.tried.unknown();
    return checked;
  }
  if (checked.value) {
    await attempt.tried.right();
    return { kind: "right", passwordHash: row.passwordHash };
  }
  await attempt.tried.wrong();
  return { kind: "wrong_password" };
}
