import type { RouteConfig } from "@hono/zod-openapi";
import type { Handler, Context as HonoContext } from "hono";
import type { AppEnv } from "./app-env.ts";
import { invalidJson } from "./body-guard.ts";
import { invalidBody, invalidQuery, type Problem, problem, unknownFields } from "./problem.ts";

/**
 * A handler that refuses a query, or a body, where its route has none. Where the route has one, its schema refuses what it
 * does not know. An empty body and `{}` pass: many clients send them with every POST.
 */
export function withoutMore(route: RouteConfig, handler: Handler<AppEnv>): Handler<AppEnv> {
  const { query, body } = route.request ?? {};
  const takesBody = body !== undefined || route.method === "get";
  return (c, next) => {
    const names = query === undefined && c.req.url.includes("?") ? Object.keys(c.req.queries()) : [];
    if (names.length > 0) return problem(c, invalidQuery(unknownFields(names, [])));
    // The body guard has taken the type off an empty body.
    if (takesBody || c.req.header("Content-Type") === undefined) return handler(c, next);
    return readMore(c).then((more) => (more ? problem(c, more) : handler(c, next)));
  };
}

async function readMore(c: HonoContext<AppEnv>): Promise<Problem | null> {
  const text = await c.req.text();
  if (text.trim() === "") return null;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return invalidJson("The body is not JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return invalidBody([{ code: "no_body", message: "must be left out: no body is taken here" }]);
  }
  const names = Object.keys(body);
  return names.length === 0 ? null : invalidBody(unknownFields(names, []));
}
