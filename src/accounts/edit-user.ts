import { and, eq, exists, isNotNull, isNull, ne, type SQL, sql } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import type { EditUser } from "./schemas.ts";
import { sessions, users } from "./tables.ts";
import { USER_COLUMNS, type UserRow } from "./user-row.ts";

export type EditUserOutcome =
  | { kind: "edited"; user: UserRow }
  | { kind: "not_found" }
  | { kind: "last_admin" }
  | { kind: "no_longer_admin" };

/**
 * Gives a role, disables or enables. Two things are asked of the rows in the same statement: that an admin who can
 * sign in is left, and that the one who asks is still such an admin. A token alone would let an admin who was just
 * demoted promote themselves again.
 */
export async function editUser(
  context: Context,
  adminId: string,
  userId: string,
  change: EditUser,
): Promise<EditUserOutcome> {
  const db = orm(context.env.DB);
  const now = context.clock.now();
  const isUser = eq(users.id, userId);
  const isActingAdmin = and(eq(users.role, "admin"), isNull(users.disabledAt));
  const found = (condition: SQL | undefined) => db.select({ id: users.id }).from(users).where(condition);
  const askerActs = found(and(eq(users.id, adminId), isActingAdmin));
  // Whoever asks about somebody else is this admin.
  const anotherActs = found(and(ne(users.id, userId), isActingAdmin));
  const endsAdmin = (change.role !== undefined && change.role !== "admin") || change.disabled === true;

  const [[user], , target, asker] = await db.batch([
    db
      .update(users)
      .set({ role: change.role, disabledAt: disabledAt(change.disabled, now), updatedAt: now })
      .where(and(isUser, exists(askerActs), endsAdmin ? exists(anotherActs) : undefined))
      .returning(USER_COLUMNS),
    db
      .update(sessions)
      .set({ revokedAt: now })
      .where(
        and(
          eq(sessions.userId, userId),
          isNull(sessions.revokedAt),
          exists(found(and(isUser, isNotNull(users.disabledAt)))),
        ),
      ),
    found(isUser),
    askerActs,
  ]);
  if (user) return { kind: "edited", user };
  if (asker.length === 0) return { kind: "no_longer_admin" };
  return target.length === 0 ? { kind: "not_found" } : { kind: "last_admin" };
}

/** Undefined leaves the column as it is; who was disabled before stays so since then. */
function disabledAt(disabled: boolean | undefined, now: number) {
  if (disabled === undefined) return undefined;
  return disabled ? sql`coalesce(${users.disabledAt}, ${now})` : null;
}
