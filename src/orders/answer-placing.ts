import type { Context as HonoContext } from "hono";
import type { AppEnv } from "../platform/app-env.ts";
import { KEY_REUSED, replay } from "../platform/idempotency.ts";
import { problem } from "../platform/problem.ts";
import { limitedProblem, takeFrom } from "../platform/rate-limit/limit.ts";
import { AFTER_RESTORE, RESTORING } from "../platform/restore-guard.ts";
import { renderAnswer } from "./answer.ts";
import { orderLimit } from "./limit.ts";
import type { Draft } from "./place/draft.ts";
import { placeOrders } from "./place/place.ts";
import { outcomeUnknown, refusalProblem, SELLING_STOPPED, UNAVAILABLE } from "./problems.ts";

/** Places the one order of a request, whatever it was drafted from, within the limit; and answers it. */
export async function answerPlacing(c: HonoContext<AppEnv>, draft: Draft): Promise<never> {
  const context = c.get("operation");
  const limit = takeFrom(context, orderLimit(context, 1, draft.key));
  const placing = placeOrders(context, [draft], {
    admitted: limit.then((outcome) => outcome.kind === "allowed"),
    render: renderAnswer(context.requestId),
    together: false,
  });
  // A client that hangs up must not leave its order half placed.
  context.defer(placing.catch(() => {}));
  const [[outcome], limited] = await Promise.all([placing, limit]);
  for (const [name, value] of Object.entries(limited.headers)) c.header(name, value);

  switch (outcome?.kind) {
    case "decided":
      return answered(c, outcome.answer);
    case "replayed":
      return replay(outcome.answer.status, outcome.answer.body) as never;
    case "key_reused":
      return problem(c, KEY_REUSED);
    case "refused":
      return problem(c, refusalProblem(outcome.refusal, draft));
    case "limited":
      return problem(c, limitedProblem({ retryAfter: 60, ...limited }), limited.headers);
    case "unknown":
      return problem(c, outcomeUnknown(outcome.order, outcome.accessToken), { "Retry-After": "1" });
    case "stopped":
      return problem(c, SELLING_STOPPED, { "Retry-After": "60" });
    case "restoring":
      return problem(c, RESTORING, AFTER_RESTORE);
    case "unavailable":
    // Not what comes of a draft by itself.
    case "withdrawn":
    case undefined:
      return problem(c, UNAVAILABLE, { "Retry-After": "1" });
  }
}

/** The answer in the very bytes that its key will repeat. */
function answered(c: HonoContext<AppEnv>, { status, body }: { status: number; body: string }): never {
  const type = status >= 400 ? "application/problem+json" : "application/json";
  return c.body(body, status as 201, { "content-type": type }) as never;
}
