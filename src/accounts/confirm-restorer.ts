import type { Permission } from "../permissions.ts";
import type { UserActor } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import { first, sql } from "../platform/sql.ts";

/** No restore takes longer. Who began one may then have to sign in again. */
export const MAX_RESTORE_MS = 24 * 3_600_000;

/** What a restore does beside overwriting. */
const OF_A_RESTORE: readonly Permission[] = ["backup", "shop", "ops", "inventory:read", "inventory:write"];

/**
 * The token of a restore stands for as long as that restore has not opened the shop again, and no other has begun. Its user
 * is not looked at: the users that a restore brings may not have whoever runs it, and the shop would stay closed.
 */
export async function confirmRestorer(context: Context, actor: UserActor): Promise<UserActor | null> {
  const now = context.clock.now();
  const restore = await first(
    context.env.DB,
    sql<{ one: 1 }>`
      SELECT 1 AS one FROM shop_state AS g JOIN shop_state AS s ON s.key = 'selling' AND s.value <> 'open'
      WHERE g.key = 'generation' AND CAST(g.value AS INTEGER) = ${actor.restores} AND g.since > ${now - MAX_RESTORE_MS}`,
  );
  return restore === null ? null : { ...actor, permissions: OF_A_RESTORE };
}
