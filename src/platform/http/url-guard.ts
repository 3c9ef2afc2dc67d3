import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

/**
 * Refuses hosts that are not in `ALLOWED_HOSTS` (empty allows any; a port is compared if it is given there), and queries
 * with U+0000, at which SQLite's text functions stop.
 * @param anyText the path below which queries may hold any text, because it does not reach SQLite as it came
 */
export const urlGuard =
  (anyText: string): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const allowed = c.get("context").settings.ALLOWED_HOSTS;
    if (allowed.length === 0 && !c.req.url.includes("%00")) return next();
    const { host, hostname, pathname, search } = new URL(c.req.url);
    if (allowed.length > 0 && !allowed.some((name) => ["*", host, hostname].includes(name.toLowerCase()))) {
      return problem(c, { status: 421, code: "host_not_allowed", detail: "This host is not served here." });
    }
    if (search.includes("%00") && !pathname.startsWith(anyText)) {
      return problem(c, { status: 400, code: "invalid_query", detail: "The query must not hold U+0000." });
    }
    return next();
  };
