import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { hashPassword, verifyPassword } from "./password.ts";

export type ChangePasswordOutcome = { kind: "changed" } | { kind: "wrong_password" } | { kind: "gone" };

/** Sets a new password and ends every session but the one that asks: whoever knew the old one is out. */
export async function changePassword(
  context: Context,
  user: { userId: string; sessionId?: string },
  given: { current_password: string; new_password: string },
): Promise<ChangePasswordOutcome> {
  const { env, clock } = context;
  const row = await env.DB.prepare("SELECT password_hash FROM users WHERE id = ?1 AND disabled_at IS NULL")
    .bind(user.userId)
    .first<{ password_hash: string }>();
  if (!row) return { kind: "gone" };
  if (!(await verifyPassword(given.current_password, row.password_hash))) return { kind: "wrong_password" };

  const passwordHash = await hashPassword(given.new_password);
  const now = clock.now();
  const results = await env.DB.batch([
    env.DB.prepare(
      "UPDATE users SET password_hash = ?3, updated_at = ?4 WHERE id = ?1 AND password_hash = ?2 RETURNING id",
    ).bind(user.userId, row.password_hash, passwordHash, now),
    env.DB.prepare(
      `UPDATE sessions SET revoked_at = ?4
       WHERE user_id = ?1 AND id <> ?2 AND revoked_at IS NULL
         AND EXISTS (SELECT 1 FROM users WHERE id = ?1 AND password_hash = ?3)`,
    ).bind(user.userId, user.sessionId ?? "", passwordHash, now),
  ]);
  // Somebody else changed it while we hashed: what was given is no longer the current one.
  return rowsOf(results, 0).length > 0 ? { kind: "changed" } : { kind: "wrong_password" };
}
