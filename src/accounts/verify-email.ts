import { and, eq, isNull } from "drizzle-orm";
import { newTask } from "../events/append.ts";
import { Commit } from "../events/commit.ts";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { sql } from "../platform/sql.ts";
import { taskIdOf } from "./mail-once.ts";
import { users } from "./tables.ts";
import { readVerifyToken } from "./verify-token.ts";

/** One mail to a mailbox in so long, however often somebody asks. */
const ONE_MAIL_MS = 5 * 60_000;

/**
 * Owes the mail by which an address is verified. Where this is not reached after a registration, the account is there all the same,
 * and its owner asks for the mail.
 */
export async function askForVerification(context: Context, email: string): Promise<void> {
  const since = Math.floor(context.clock.now() / ONE_MAIL_MS) * ONE_MAIL_MS;
  const id = await taskIdOf("verify_email", email, since);
  const commit = new Commit(context, "while_restoring");
  commit.owe(
    [newTask(context, "email", "account", { template: "verify_email", email }, { id })],
    sql`NOT EXISTS (SELECT 1 FROM work WHERE id = ${id})
      AND EXISTS (SELECT 1 FROM users WHERE email = ${email} AND email_verified_at IS NULL)`,
  );
  await commit.send();
  commit.wakeUp(() => true);
}

/** Takes a mail's token. Opened twice, it says the same twice. */
export async function verifyEmail(
  context: Context,
  given: string,
): Promise<{ kind: "verified" | "token_spent" }> {
  const token = await readVerifyToken(context, given);
  if (token === null) return { kind: "token_spent" };
  const db = orm(context.env.DB);
  const isTheirs = and(eq(users.id, token.userId), isNull(users.disabledAt));
  const user = await db
    .select({ email: users.email, verifiedAt: users.emailVerifiedAt })
    .from(users)
    .where(isTheirs)
    .get();
  if (!user || !(await token.fits(user.email))) return { kind: "token_spent" };
  if (user.verifiedAt !== null) return { kind: "verified" };
  // Only of the address that the token was sent to.
  await db
    .update(users)
    .set({ emailVerifiedAt: context.clock.now() })
    .where(and(isTheirs, eq(users.email, user.email)));
  return { kind: "verified" };
}
