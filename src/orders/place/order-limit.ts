import { may } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import type { IdempotencyKey } from "../../platform/idempotency.ts";
import type { Limit } from "../../platform/rate-limit/limit.ts";

/**
 * The limits of orders a minute: of the account, and of the address, at which many accounts may be one person's. Who may write orders
 * has none. Guests have only their address: where it is allowed more than an account, the guests there are counted together
 * besides. Twins and retries of one key count once; another request under the same key counts by itself.
 * @param cost how many orders the request asks for
 * @param hit names the request where it has no key
 */
export function orderLimits(
  context: Context,
  cost: number,
  key: IdempotencyKey | null,
  hit?: string,
): Limit[] {
  const { actor, settings } = context;
  if (may(actor, "orders:write")) return [];
  const { ORDERS_PER_MINUTE: own, ORDERS_PER_MINUTE_PER_ADDRESS: together = own } = settings;
  const limit = (party: string, allowed: number): Limit => ({
    name: "orders",
    party,
    allowed,
    cost,
    ...(key ? { hit: `${key.scope} ${key.key} ${key.fingerprint}` } : hit ? { hit } : {}),
  });
  const ofAddress = limit(`address:${context.address}`, together);
  if (actor.kind === "user") return [limit(`user:${actor.userId}`, own), ofAddress];
  const holdsGuests = together > 0 && (own === 0 || together <= own);
  return holdsGuests ? [ofAddress] : [limit(`guests:${context.address}`, own), ofAddress];
}
