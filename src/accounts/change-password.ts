import { and, eq, exists, isNull, ne } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { checkPassword, type PasswordCheck } from "./check-password.ts";
import { isCommonPassword } from "./common-passwords.ts";
import { hashPassword } from "./password.ts";
import { inTurn } from "./scrypt-turns.ts";
import { sessions, users } from "./tables.ts";

export type ChangePasswordOutcome =
  | { kind: "changed" }
  | { kind: "common_password" }
  | Exclude<PasswordCheck, { kind: "right" }>;

/** Sets a new password and ends all other sessions, so that whoever knew the old password is signed out. */
export async function changePassword(
  context: Context,
  user: { userId: string; sessionId: string },
  given: { current_password: string; new_password: string },
): Promise<ChangePasswordOutcome> {
  const db = orm(context.env.DB);
  const { userId, sessionId } = user;
  const checked = await checkPassword(context, userId, given.current_password);
  if (checked.kind !== "right") return checked;

  if (await isCommonPassword(given.new_password)) return { kind: "common_password" };
  const hashed = await inTurn(context, () => hashPassword(given.new_password));
  if (hashed.kind === "too_many_at_once") return hashed;
  const passwordHash = hashed.value;
  const now = context.clock.now();
  const withPassword = (hash: string) => and(eq(users.id, userId), eq(users.passwordHash, hash));
  const [changed] = await db.batch([
    db
      .update(users)
      .set({ passwordHash, updatedAt: now })
      .where(withPassword(checked.passwordHash))
      .returning({ id: users.id }),
    db
      .update(sessions)
      .set({ revokedAt: now })
      .where(
        and(
          eq(sessions.userId, userId),
          ne(sessions.id, sessionId),
          isNull(sessions.revokedAt),
          exists(db.select({ id: users.id }).from(users).where(withPassword(passwordHash))),
        ),
      ),
  ]);
  // If nothing changed, another request set a new password meanwhile, so the given one is no longer right.
  return changed.length > 0 ? { kind: "changed" } : { kind: "wrong_password" };
}
