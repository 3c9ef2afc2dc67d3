import { isStaff } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import type { IdempotencyKey } from "../platform/idempotency.ts";
import type { Limit } from "../platform/rate-limit/limit.ts";

/**
 * Orders a minute per user, guests per address; staff are free. Twins and retries of one key count once; another request
 * under it is none of them.
 * @param cost how many orders are asked for
 */
export function orderLimit(context: Context, cost: number, key: IdempotencyKey | null): Limit {
  const { actor, settings, address } = context;
  return {
    name: "orders",
    party: actor.kind === "user" ? `user:${actor.userId}` : `address:${address}`,
    allowed: isStaff(actor) ? 0 : settings.ORDERS_PER_MINUTE,
    cost,
    ...(key ? { hit: `${key.scope} ${key.key} ${key.fingerprint}` } : {}),
  };
}
