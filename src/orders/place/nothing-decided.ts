import type { Context as HonoContext } from "hono";
import type { AppEnv } from "../../platform/http/app-env.ts";
import { CHALLENGE_INVALID, SESSION_ENDED } from "../../platform/http/permission-guard.ts";
import { type ProblemAnswer, problem } from "../../platform/http/problem.ts";
import { RESTORING, RETRY_AFTER_RESTORE } from "../../platform/http/restore-guard.ts";
import { KEY_REUSED } from "../../platform/idempotency.ts";
import { type LimitOutcome, limitedProblem } from "../../platform/rate-limit/limit.ts";
import { CROWDED, SELLING_STOPPED, UNAVAILABLE } from "../problems.ts";

/**
 * Why nothing was decided. The same request may be sent again, except under a key that belongs to another request, and once
 * signed in again.
 */
export type NothingDecided =
  | "signed_out"
  | "key_reused"
  | "limited"
  | "stopped"
  | "restoring"
  | "crowded"
  | "unavailable";

export function nothingDecided(
  c: HonoContext<AppEnv>,
  kind: NothingDecided,
  limited: LimitOutcome,
): ProblemAnswer {
  switch (kind) {
    case "signed_out":
      return problem(c, SESSION_ENDED, CHALLENGE_INVALID);
    case "key_reused":
      return problem(c, KEY_REUSED);
    case "limited":
      return problem(c, limitedProblem({ retryAfter: 60, ...limited }), limited.headers);
    case "stopped":
      return problem(c, SELLING_STOPPED, { "Retry-After": "60" });
    case "restoring":
      return problem(c, RESTORING, RETRY_AFTER_RESTORE);
    case "crowded":
      return problem(c, CROWDED, { "Retry-After": "1" });
    case "unavailable":
      return problem(c, UNAVAILABLE, { "Retry-After": "1" });
  }
}
