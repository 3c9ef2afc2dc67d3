import { signAccessToken } from "../../accounts/access-token.ts";
import { MAX_RESTORE_MS } from "../../accounts/confirm-restorer.ts";
import { keyRing } from "../../accounts/keys.ts";
import type { UserActor } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import { first, sql } from "../../platform/sql.ts";

export type ExtendOutcome =
  | { kind: "extended"; accessToken: string }
  /** No restore has begun within a day, or the shop is open again. */
  | { kind: "not_restoring" }
  | { kind: "misconfigured"; fault: string };

/**
 * A fresh access token for the restore that is under way, until it has ended. An access token lives for a quarter of an hour,
 * and a restore puts other users into D1: whoever began it may not be among them, and the shop would stay closed. So the
 * token is good for that restore alone, whatever becomes of its user (accounts/confirm-restorer.ts).
 */
export async function extendToken(context: Context, actor: UserActor): Promise<ExtendOutcome> {
  const now = context.clock.now();
  const restore = await first(
    context.env.DB,
    sql<{ since: number; generation: number }>`
      SELECT g.since, CAST(g.value AS INTEGER) AS generation FROM shop_state AS g JOIN shop_state AS s ON s.key = 'selling' AND s.value <> 'open'
      WHERE g.key = 'generation'`,
  );
  if (!restore || restore.since + MAX_RESTORE_MS < now) return { kind: "not_restoring" };
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return keys;
  const { userId, role, sessionId } = actor;
  return {
    kind: "extended",
    accessToken: await signAccessToken(
      keys.ring,
      { userId, role, sessionId, restores: restore.generation },
      now,
    ),
  };
}
