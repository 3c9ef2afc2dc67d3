import type { Context as HonoContext } from "hono";
import type { AppEnv } from "../platform/http/app-env.ts";
import { type Problem, problem } from "../platform/http/problem.ts";
import { limitedProblem } from "../platform/rate-limit/limit.ts";
import type { TooManyAtOnce } from "./scrypt-turns.ts";

export const commonPassword = (field: string): Problem => ({
  status: 422,
  code: "common_password",
  detail: "Many people have this password, so it is the first that is tried. Take another.",
  errors: [{ field, code: "common_password", message: "is one that many people have" }],
});

export const wrongPassword = (field: string): Problem => ({
  status: 422,
  code: "wrong_password",
  detail: "The current password is wrong.",
  errors: [{ field, code: "wrong_password", message: "is wrong" }],
});

export const tooManyAtOnce = (c: HonoContext<AppEnv>, outcome: TooManyAtOnce) =>
  problem(c, limitedProblem(outcome), { "Retry-After": String(outcome.retryAfter) });
