import type { Context } from "../platform/context.ts";
import { USER_COLUMNS, type UserRow } from "./user-row.ts";

/** The account behind a token, as it is now; null when it is gone or was disabled since. */
export function readMe(context: Context, userId: string): Promise<UserRow | null> {
  return context.env.DB.prepare(`SELECT ${USER_COLUMNS} FROM users WHERE id = ?1 AND disabled_at IS NULL`)
    .bind(userId)
    .first<UserRow>();
}

/** Changes what a user may change of their own account; null as `readMe`. */
export function editMe(
  context: Context,
  userId: string,
  change: { name?: string | undefined },
): Promise<UserRow | null> {
  return context.env.DB.prepare(
    `UPDATE users SET name = coalesce(?2, name), updated_at = ?3
     WHERE id = ?1 AND disabled_at IS NULL RETURNING ${USER_COLUMNS}`,
  )
    .bind(userId, change.name ?? null, context.clock.now())
    .first<UserRow>();
}
