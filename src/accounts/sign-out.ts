import type { Context } from "../platform/context.ts";
import { sha256 } from "../platform/ids.ts";

/** Ends the session that a refresh token belongs to, used or not. An unknown token ends nothing (RFC 7009, 2.2). */
export async function signOut(context: Context, refreshToken: string): Promise<void> {
  await context.env.DB.prepare(
    `UPDATE sessions SET revoked_at = ?2
     WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = ?1) AND revoked_at IS NULL`,
  )
    .bind(await sha256(refreshToken), context.clock.now())
    .run();
}
