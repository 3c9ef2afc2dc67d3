import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";
import { type Problem, problem } from "./problem.ts";
import { isRestoring, mayWrite } from "./restoring.ts";

/** 503: nothing was done, since it would be overwritten. */
export const RESTORING: Problem = {
  status: 503,
  code: "restoring",
  detail: "The shop is being restored from a backup. Send the same request again later.",
};

/** Seconds: a restore takes minutes. */
export const AFTER_RESTORE = { "Retry-After": "60" };

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * What the restore itself sends, which its own routes keep for admins, and the sign-in that it may need in between; and
 * placing, which looks in its first batch (orders/place/ask.ts) and needs no second call.
 */
const LET_THROUGH =
  /^\/api\/v1\/(?:ops\/selling|ops\/backup\/.+|orders\/statistics\/rebuild|auth\/token|orders|orders\/bulk|carts\/[^/]+\/checkout)\/?$/;

/**
 * Answers what writes with 503 `restoring` while a backup overwrites the shop. Reads go on, and may see half of it:
 * /health says so. A request that was let in before is stopped by its batch; that failure is answered the same.
 */
export const restoreGuard: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (READS.has(c.req.method) || LET_THROUGH.test(c.req.path)) return next();
  const context = c.get("context");
  if (!(await mayWrite(context))) return problem(c, RESTORING, AFTER_RESTORE);
  await next();
  if (c.error && (await wasRefused(context))) c.res = problem(c, RESTORING, AFTER_RESTORE);
};

/** Where even that cannot be asked, the first failure is the answer. */
const wasRefused = (context: Parameters<typeof isRestoring>[0]): Promise<boolean> =>
  isRestoring(context).catch(() => false);
