import type { Context as HonoContext } from "hono";
import { isStaff } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import type { AppEnv } from "../../platform/http/app-env.ts";
import { type ProblemAnswer, problem, problemBody } from "../../platform/http/problem.ts";
import { RESTORING, RETRY_AFTER_RESTORE } from "../../platform/http/restore-guard.ts";
import { type IdempotencyKey, KEY_REUSED, replay } from "../../platform/idempotency.ts";
import { type Limit, type LimitOutcome, limitedProblem, takeFrom } from "../../platform/rate-limit/limit.ts";
import {
  insufficientStock,
  OTHERS_FELL,
  outcomeUnknown,
  refusalProblem,
  SELLING_STOPPED,
  UNAVAILABLE,
} from "../problems.ts";
import { renderOrder } from "../read/render.ts";
import type { Draft } from "./draft.ts";
import type { Answer, RenderAnswer } from "./outcome.ts";
import { placeOrders } from "./place.ts";

/** Places the one order of a request, from items or from a cart, within the rate limit, and answers it. */
export async function answerPlacing(c: HonoContext<AppEnv>, draft: Draft) {
  const context = c.get("context");
  const render = renderAnswer(context.requestId);
  const { placed, limited } = await placeWithin(c, orderLimit(context, 1, draft.key), (admitted) =>
    placeOrders(context, [draft], { admitted, render, together: false }),
  );
  const [outcome = { kind: "unavailable" as const }] = placed;
  switch (outcome.kind) {
    case "decided":
      return answered(c, outcome.answer);
    case "replayed":
      return replay(outcome.answer.status, outcome.answer.body);
    case "refused":
      return problem(c, refusalProblem(outcome.refusal, draft));
    case "unknown":
      return problem(c, outcomeUnknown(outcome.order, outcome.accessToken), { "Retry-After": "1" });
    // Only a draft that is placed together with others can be withdrawn.
    case "withdrawn":
      return nothingDecided(c, "unavailable", limited);
    default:
      return nothingDecided(c, outcome.kind, limited);
  }
}

/** Asks the rate limit while it places, so that asking costs no time, and puts the limit's headers on the answer. */
export async function placeWithin<T>(
  c: HonoContext<AppEnv>,
  limit: Limit,
  place: (admitted: Promise<boolean>) => Promise<T>,
): Promise<{ placed: T; limited: LimitOutcome }> {
  const context = c.get("context");
  const asked = takeFrom(context, limit);
  const placing = place(asked.then((outcome) => outcome.kind === "allowed"));
  // A client that hangs up must not leave its orders half placed.
  context.defer(placing.catch(() => {}));
  const [placed, limited] = await Promise.all([placing, asked]);
  for (const [name, value] of Object.entries(limited.headers)) c.header(name, value);
  return { placed, limited };
}

/** Why nothing was decided. The same request may be sent again, except under a key that belongs to another request. */
export type NothingDecided = "key_reused" | "limited" | "stopped" | "restoring" | "unavailable";

export function nothingDecided(
  c: HonoContext<AppEnv>,
  kind: NothingDecided,
  limited: LimitOutcome,
): ProblemAnswer {
  switch (kind) {
    case "key_reused":
      return problem(c, KEY_REUSED);
    case "limited":
      return problem(c, limitedProblem({ retryAfter: 60, ...limited }), limited.headers);
    case "stopped":
      return problem(c, SELLING_STOPPED, { "Retry-After": "60" });
    case "restoring":
      return problem(c, RESTORING, RETRY_AFTER_RESTORE);
    case "unavailable":
      return problem(c, UNAVAILABLE, { "Retry-After": "1" });
  }
}

/** Sends the very bytes that the key will repeat: the order, or the problem that it was rejected with. */
function answered(c: HonoContext<AppEnv>, { status, body }: Answer) {
  return status === 201
    ? c.body(body, 201, { "content-type": "application/json" })
    : c.body(body, 409, { "content-type": "application/problem+json" });
}

/** The answer to a placed or rejected order, in the bytes that its key will repeat. */
export const renderAnswer =
  (requestId: string): RenderAnswer =>
  (order, shortfalls, accessToken) => {
    if (shortfalls === null) return { status: 201, body: JSON.stringify(renderOrder(order, accessToken)) };
    const fault = shortfalls.length === 0 ? OTHERS_FELL : insufficientStock(order, shortfalls, accessToken);
    return { status: 409, body: problemBody(fault, requestId) };
  };

/**
 * The limit of orders a minute: for a user by account, for a guest by address, for staff none. Twins and retries of one
 * key count once; another request under the same key counts by itself.
 * @param cost how many orders the request asks for
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
