import type { MiddlewareHandler } from "hono";
import { wasRestored, writableGeneration } from "../restoring.ts";
import type { AppEnv } from "./app-env.ts";
import { type Problem, problem } from "./problem.ts";

/** The 503 of a write that was not made, because the restore would overwrite it. */
export const RESTORING: Problem = {
  status: 503,
  code: "restoring",
  detail: "The shop is being restored from a backup. Send the same request again later.",
};

/** In seconds. A restore takes minutes. */
export const RETRY_AFTER_RESTORE = { "Retry-After": "60" };

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Answers writes with 503 `restoring` while a backup overwrites the shop. Reads go on and may see half of it; /health tells
 * so. Routes with `let_through` are the restore's own, or check by themselves. A request that began before the restore is
 * stopped by the check in its batch; its failure becomes the same 503.
 */
export const restoreGuard: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (READS.has(c.req.method) || c.get("route")?.needs.whileRestoring === "let_through") return next();
  const context = c.get("context");
  const generation = await writableGeneration(context);
  if (generation === null) return problem(c, RESTORING, RETRY_AFTER_RESTORE);
  context.generation = generation;
  await next();
  if (c.error && (await wasRefused(context))) c.res = problem(c, RESTORING, RETRY_AFTER_RESTORE);
};

/** If even this question fails, the first failure stays the answer. */
const wasRefused = (context: Parameters<typeof wasRestored>[0]): Promise<boolean> =>
  wasRestored(context).catch(() => false);
