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
 * Answers what writes with 503 `restoring` while a backup overwrites the shop. Reads go on, and may see half of it:
 * /health says so. What its route lets through is the restore's own, or looks by itself. A request that was let in before
 * is stopped by its batch; that failure is answered the same.
 */
export const restoreGuard: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (READS.has(c.req.method) || c.get("route")?.needs.whileRestoring === "let_through") return next();
  const context = c.get("context");
  if (!(await mayWrite(context))) return problem(c, RESTORING, AFTER_RESTORE);
  await next();
  if (c.error && (await wasRefused(context))) c.res = problem(c, RESTORING, AFTER_RESTORE);
};

/** Where even that cannot be asked, the first failure is the answer. */
const wasRefused = (context: Parameters<typeof isRestoring>[0]): Promise<boolean> =>
  isRestoring(context).catch(() => false);
