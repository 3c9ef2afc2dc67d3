import type { Context as HonoContext } from "hono";
import { isStaff } from "../platform/actor.ts";
import type { AppEnv } from "../platform/app-env.ts";
import type { Context } from "../platform/context.ts";
import { type IdempotencyKey, KEY_REUSED, replay } from "../platform/idempotency.ts";
import { type ProblemAnswer, problem, problemBody } from "../platform/problem.ts";
import { type Limit, type LimitOutcome, limitedProblem, takeFrom } from "../platform/rate-limit/limit.ts";
import { RESTORING, RETRY_AFTER_RESTORE } from "../platform/restore-guard.ts";
import type { Draft } from "./place/draft.ts";
import { placeOrders } from "./place/place.ts";
import type { Answer, RenderAnswer } from "./place/placing.ts";
import {
  insufficientStock,
  OTHERS_FELL,
  outcomeUnknown,
  refusalProblem,
  SELLING_STOPPED,
  UNAVAILABLE,
} from "./problems.ts";
import { renderOrder } from "./render.ts";

/** Places the one order of a request, whatever it was drafted from, within the limit; and answers it. */
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
    // Not what comes of a draft by itself.
    case "withdrawn":
      return nothingDecided(c, "unavailable", limited);
    default:
      return nothingDecided(c, outcome.kind, limited);
  }
}

/** Places while the limit is asked, so that it costs no time, and puts its headers on the answer. */
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

/** Why nothing was decided of a request as a whole: the same may be sent again, but for a key that is another's. */
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

/** The answer in the very bytes that its key will repeat: the order, or the problem that it was rejected with. */
function answered(c: HonoContext<AppEnv>, { status, body }: Answer) {
  return status === 201
    ? c.body(body, 201, { "content-type": "application/json" })
    : c.body(body, 409, { "content-type": "application/problem+json" });
}

/** What a placed or rejected order answers, in the bytes that its key will repeat. */
export const renderAnswer =
  (requestId: string): RenderAnswer =>
  (order, shortfalls, accessToken) => {
    if (shortfalls === null) return { status: 201, body: JSON.stringify(renderOrder(order, accessToken)) };
    const fault = shortfalls.length === 0 ? OTHERS_FELL : insufficientStock(order, shortfalls, accessToken);
    return { status: 409, body: problemBody(fault, requestId) };
  };

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
