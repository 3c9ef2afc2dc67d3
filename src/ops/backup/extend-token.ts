import { signAccessToken } from "../../accounts/access-token.ts";
import { keyRing } from "../../accounts/keys.ts";
import type { Actor } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import { first, sql } from "../../platform/sql.ts";

/** No restore takes longer. Who began one may then have to sign in again. */
const MAX_RESTORE_MS = 24 * 3_600_000;

export type ExtendOutcome =
  | { kind: "extended"; accessToken: string }
  /** No restore has begun within a day, or the shop is open again. */
  | { kind: "not_restoring" }
  | { kind: "misconfigured"; fault: string };

/**
 * A fresh access token for whoever has one, until the restore that is under way has ended. An access token lives for a quarter
 * of an hour, and a restore puts other users and sessions into D1: whoever began it may not be among them, or has another
 * password there, and the shop would stay closed. It is no more than its holder could do already, since a restore may
 * write any user.
 */
export async function extendToken(
  context: Context,
  actor: Extract<Actor, { kind: "user" }>,
): Promise<ExtendOutcome> {
  const now = context.clock.now();
  const restore = await first(
    context.env.DB,
    sql<{ since: number }>`
      SELECT g.since FROM shop_state AS g JOIN shop_state AS s ON s.key = 'selling' AND s.value <> 'open'
      WHERE g.key = 'generation'`,
  );
  if (!restore || restore.since + MAX_RESTORE_MS < now) return { kind: "not_restoring" };
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return keys;
  const { userId, role, sessionId = "" } = actor;
  return {
    kind: "extended",
    accessToken: await signAccessToken(keys.ring, { userId, role, sessionId }, now),
  };
}
