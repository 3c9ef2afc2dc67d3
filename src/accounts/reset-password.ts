import { and, sql as drizzleSql, eq, exists, isNull } from "drizzle-orm";
import { newTask } from "../events/append.ts";
import { Commit } from "../events/commit.ts";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { sql } from "../platform/sql.ts";
import { isCommonPassword } from "./common-passwords.ts";
import { taskIdOf } from "./mail-once.ts";
import { hashPassword } from "./password.ts";
import { readResetToken } from "./reset-token.ts";
import { inTurn, type TooManyAtOnce } from "./scrypt-turns.ts";
import { sessions, users } from "./tables.ts";
import { becomeKnown } from "./tries.ts";

/** One mail to a mailbox in so long, however often somebody asks. */
const ONE_MAIL_MS = 5 * 60_000;

/**
 * Owes the mail by which a new password is set. Whether there is such an account is looked at when it is written
 * (src/notifications), so that neither the answer nor its time tells it.
 * @param email in small letters
 */
export async function askForReset(context: Context, email: string): Promise<void> {
  const since = Math.floor(context.clock.now() / ONE_MAIL_MS) * ONE_MAIL_MS;
  const id = await taskIdOf("password_reset", email, since);
  const commit = new Commit(context, "while_restoring");
  commit.owe(
    [newTask(context, "email", "account", { template: "password_reset", email }, { id })],
    sql`NOT EXISTS (SELECT 1 FROM work WHERE id = ${id})`,
  );
  await commit.send();
  commit.wakeUp(() => true);
}

export type ResetOutcome =
  | { kind: "reset" }
  | { kind: "token_spent" }
  | { kind: "common_password" }
  | TooManyAtOnce;

/**
 * Sets the password that whoever has the mail's token gives, and ends all sessions. The password that the token is tied to
 * must still be there when it is written: of two at once one wins.
 */
export async function resetPassword(
  context: Context,
  given: { token: string; password: string },
): Promise<ResetOutcome> {
  const token = await readResetToken(context, given.token);
  if (token === null) return { kind: "token_spent" };
  const db = orm(context.env.DB);
  const user = await db
    .select({ email: users.email, passwordHash: users.passwordHash })
    .from(users)
    .where(and(eq(users.id, token.userId), isNull(users.disabledAt)))
    .get();
  if (!user || !(await token.fits(user.passwordHash))) return { kind: "token_spent" };
  if (await isCommonPassword(given.password)) return { kind: "common_password" };

  const turn = await inTurn(context, () => hashPassword(given.password));
  if (turn.kind === "too_many_at_once") return turn;
  const passwordHash = turn.value;
  const now = context.clock.now();
  const withPassword = (hash: string) =>
    and(eq(users.id, token.userId), eq(users.passwordHash, hash), isNull(users.disabledAt));
  const [changed] = await db.batch([
    db
      .update(users)
      // The token came by mail.
      .set({
        passwordHash,
        emailVerifiedAt: drizzleSql`coalesce(${users.emailVerifiedAt}, ${now})`,
        updatedAt: now,
      })
      .where(withPassword(user.passwordHash))
      .returning({ id: users.id }),
    db
      .update(sessions)
      .set({ revokedAt: now })
      .where(
        and(
          eq(sessions.userId, token.userId),
          isNull(sessions.revokedAt),
          exists(db.select({ id: users.id }).from(users).where(withPassword(passwordHash))),
        ),
      ),
  ]);
  if (changed.length === 0) return { kind: "token_spent" };
  await becomeKnown(context, user.email);
  return { kind: "reset" };
}
