import { isStaff } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import type { IdempotencyKey } from "../../platform/idempotency.ts";
import type { Limit } from "../../platform/rate-limit/limit.ts";

/**
 * The limit of orders a minute: for a user by account, for a guest by address, for staff none. Twins and retries of one
 * key count once; another request under the same key counts by itself.
 * @param cost how many orders the request asks for
 * @param hit names the request where it has no key
 */
export function orderLimit(context: Context, cost: number, key: IdempotencyKey | null, hit?: string): Limit {
  const { actor, settings, address } = context;
  return {
    name: "orders",
    party: actor.kind === "user" ? `user:${actor.userId}` : `address:${address}`,
    allowed: isStaff(actor) ? 0 : settings.ORDERS_PER_MINUTE,
    cost,
    ...(key ? { hit: `${key.scope} ${key.key} ${key.fingerprint}` } : hit ? { hit } : {}),
  };
}
