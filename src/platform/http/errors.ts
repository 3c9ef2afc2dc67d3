import type { ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Context } from "../context.ts";
import { withoutQuery } from "../d1.ts";
import { CheckFailed } from "../joined-check.ts";
import { createLog, describeError } from "../log.ts";
import type { AppEnv } from "./app-env.ts";
import { invalidJson, unsupportedMediaType } from "./body-guard.ts";
import { CHALLENGE_INVALID, SESSION_ENDED } from "./permission-guard.ts";
import { type Problem, problem } from "./problem.ts";

/**
 * The messages of D1, Durable Objects and queues when they are unavailable for a moment, from
 * https://developers.cloudflare.com/d1/observability/debug-d1/ and
 * https://developers.cloudflare.com/durable-objects/observability/troubleshooting/.
 */
const UNAVAILABLE =
  /network connection (?:was )?lost|overloaded|too many requests|object to be reset|code (?:was|has been) updated|transient issue|exceeded timeout|timed out|^internal error|service unavailable/i;

/** How many nested causes of an error are looked at. */
const MAX_CAUSES = 5;

/** Whether a part of the platform is unavailable, so that the same request may succeed a moment later. */
export function isUnavailable(error: unknown): boolean {
  let cause = withoutQuery(error);
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth++) {
    const { retryable, overloaded } = cause as { retryable?: unknown; overloaded?: unknown };
    if (retryable === true || overloaded === true) return true;
    if (UNAVAILABLE.test(cause.message.replace(/^D1_ERROR: /, ""))) return true;
    cause = cause.cause;
  }
  return false;
}

/** Every exception becomes a problem. Its stack is only logged. */
export const answerError: ErrorHandler<AppEnv> = (error, c) => {
  // The guard answers it.
  if (error instanceof CheckFailed) return problem(c, SESSION_ENDED, CHALLENGE_INVALID);
  if (error instanceof HTTPException && error.status < 500) return problem(c, problemOf(error));
  const context: Context | undefined = c.get("context");
  const log = context?.log ?? createLog({ request_id: c.get("requestId") });
  if (isUnavailable(error)) {
    log.warn("a part is away", { error: describeError(error) });
    const detail = "A part of the shop is away for a moment: try again.";
    return problem(c, { status: 503, code: "unavailable", detail }, { "Retry-After": "1" });
  }
  log.error("request failed", { error: describeError(error) });
  return problem(c, { status: 500, code: "internal_error", detail: "Something broke here." });
};

/** For the exceptions of Hono's own validators. */
function problemOf({ status, message }: HTTPException): Problem {
  if (status === 400) return invalidJson("The body is not JSON.");
  if (status === 415) return unsupportedMediaType;
  return { status, code: "refused", detail: message || "The request was refused." };
}
