import type { Context as HonoContext } from "hono";
import type { AppEnv } from "../../platform/http/app-env.ts";
import { problem } from "../../platform/http/problem.ts";
import { replay } from "../../platform/idempotency.ts";
import type { Draft } from "../place/draft.ts";
import { nothingDecided } from "../place/nothing-decided.ts";
import { orderLimits } from "../place/order-limit.ts";
import type { Answer } from "../place/outcome.ts";
import { outcomeUnknown, refusalProblem } from "../problems.ts";
import { placeAtDesk } from "./place-at-desk.ts";

/** Places the one order of a request, from items or from a cart, within the rate limit, and answers it. */
export async function answerPlacing(c: HonoContext<AppEnv>, draft: Draft) {
  const context = c.get("context");
  const placing = placeAtDesk(context, draft, orderLimits(context, 1, draft.key, draft.operation));
  // A client that hangs up must not leave its order half placed.
  context.defer(placing.catch(() => {}));
  const { outcome, limited } = await placing;
  for (const [name, value] of Object.entries(limited.headers)) c.header(name, value);
  switch (outcome.kind) {
    case "decided":
      return answered(c, outcome.answer);
    case "replayed":
      return replay(outcome.answer.status, outcome.answer.body);
    case "refused":
      return problem(c, refusalProblem(outcome.refusal, draft));
    case "unknown":
      return problem(c, outcomeUnknown(draft), { "Retry-After": "1" });
    // Only a draft of a bulk of all or none can be withdrawn.
    case "withdrawn":
      return nothingDecided(c, "unavailable", limited);
    default:
      return nothingDecided(c, outcome.kind, limited);
  }
}

/** Sends the very bytes that the key will repeat: the order, or the problem that it was rejected with. */
function answered(c: HonoContext<AppEnv>, { status, body }: Answer) {
  return status === 201
    ? c.body(body, 201, { "content-type": "application/json" })
    : c.body(body, 409, { "content-type": "application/problem+json" });
}
