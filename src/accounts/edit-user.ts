import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import type { EditUser } from "./schemas.ts";
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
  const { DB } = context.env;
  const now = context.clock.now();
  const endsAdmin = (change.role !== undefined && change.role !== "admin") || change.disabled === true;
  const disabled = change.disabled === undefined ? null : Number(change.disabled);
  const isActingAdmin = "role = 'admin' AND disabled_at IS NULL";
  const results = await DB.batch([
    DB.prepare(
      `UPDATE users
       SET role = coalesce(?2, role), updated_at = ?4,
           disabled_at = CASE ?3 WHEN 1 THEN coalesce(disabled_at, ?4) WHEN 0 THEN NULL ELSE disabled_at END
       WHERE id = ?1
         AND EXISTS (SELECT 1 FROM users WHERE id = ?5 AND ${isActingAdmin})
         AND (?6 = 0 OR NOT (${isActingAdmin}) OR EXISTS (SELECT 1 FROM users WHERE id <> ?1 AND ${isActingAdmin}))
       RETURNING ${USER_COLUMNS}`,
    ).bind(userId, change.role ?? null, disabled, now, adminId, Number(endsAdmin)),
    DB.prepare(
      `UPDATE sessions SET revoked_at = ?2
       WHERE user_id = ?1 AND revoked_at IS NULL
         AND EXISTS (SELECT 1 FROM users WHERE id = ?1 AND disabled_at IS NOT NULL)`,
    ).bind(userId, now),
    DB.prepare("SELECT 1 FROM users WHERE id = ?1").bind(userId),
    DB.prepare(`SELECT 1 FROM users WHERE id = ?1 AND ${isActingAdmin}`).bind(adminId),
  ]);
  const user = rowsOf<UserRow>(results, 0)[0];
  if (user) return { kind: "edited", user };
  if (rowsOf(results, 3).length === 0) return { kind: "no_longer_admin" };
  return rowsOf(results, 2).length === 0 ? { kind: "not_found" } : { kind: "last_admin" };
}
