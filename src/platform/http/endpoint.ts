import { type RouteConfig, type RouteHandler, z } from "@hono/zod-openapi";
import type { Handler, TypedResponse } from "hono";
import type { JSONParsed } from "hono/utils/types";
import type { Needed } from "../../permissions.ts";
import type { CachedAnswer } from "../cache/answer.ts";
import type { Replayed } from "../idempotency.ts";
import type { AppEnv } from "./app-env.ts";
import { type Needs, withNeeds } from "./needs.ts";
import { FACTS, type RouteFacts } from "./openapi-answers.ts";
import type { ProblemAnswer } from "./problem.ts";
import { mustBeStrict } from "./strict.ts";
import { withoutMore } from "./without-more.ts";

/** A route as OpenAPI describes it, what its caller must be allowed, and what else it needs from the guards before it. */
type Route = RouteConfig & {
  /** Null where anybody may call. */
  permission: Needed | null;
  needs?: Partial<Omit<Needs, "permission">>;
};

/** Declares a route. It keeps the exact type, from which `endpoint` derives the types of request and response. */
export const createRoute = <Path extends string, R extends Route & { path: Path }>(route: R): R => route;

/** A route with its handler, for `createRouter`. */
export interface Endpoint {
  route: RouteConfig;
  handler: Handler<AppEnv>;
}

type HandlerContext<R extends Route> = Parameters<RouteHandler<R, AppEnv>>[0];

type ContentOf<Declared, Type extends string> = Declared extends {
  content: Record<Type, { schema: infer Schema extends z.ZodType }>;
}
  ? z.infer<Schema>
  : never;

/**
 * The responses that one declared status allows: a body by its schema, or raw bytes (an answer that was stored before, or
 * no content).
 */
type AnswerOf<Declared, Status extends number> =
  | TypedResponse<JSONParsed<ContentOf<Declared, "application/json">>, Status & Code, "json">
  | TypedResponse<ContentOf<Declared, "text/plain">, Status & Code, "text">
  | TypedResponse<unknown, Status & Code, "body">;

type Code = TypedResponse["_status"];

type OfStatuses<Responses> = {
  [Status in keyof Responses & number]: AnswerOf<Responses[Status], Status>;
}[keyof Responses & number];

/** The responses that a route has declared. Every route may answer a problem: it is the default in OpenAPI. */
export type Answer<R extends Route> =
  | OfStatuses<R["responses"]>
  | CachedAnswer<ContentOf<R["responses"][200], "application/json">>
  | Replayed
  | ProblemAnswer;

/**
 * Joins a route and its handler, and refuses a route whose query or body would take what it does not know. A handler that
 * answers a status or a body that the route does not declare, or nothing, does not compile. The cast drops the type of the handler's request; that is safe, as it is stored with its own route.
 */
export function endpoint<R extends Route>(
  { needs, permission, ...route }: R,
  handler: (c: HandlerContext<R>) => Answer<R> | Promise<Answer<R>>,
): Endpoint {
  const name = `${route.method} ${route.path}`;
  const { query, body } = route.request ?? {};
  if (query) mustBeStrict(query as z.ZodType, `${name}: query`);
  for (const content of Object.values(body?.content ?? {})) {
    if (content && "schema" in content && content.schema instanceof z.ZodType) {
      mustBeStrict(content.schema, `${name}: body`);
    }
  }
  // What OpenAPI says of a route follows from its guards and needs: it is noted here, and read where the document is made.
  const facts: RouteFacts = {
    permission,
    refusedWhileRestoring: needs?.whileRestoring !== "let_through",
  };
  const noted = {
    ...route,
    ...(permission === null ? {} : { security: [permission].flat().map((one) => ({ bearer: [one] })) }),
    [FACTS]: facts,
  };
  const careful = withoutMore(route, onlyGuarded(permission, handler as Handler<AppEnv>));
  return { route: noted, handler: withNeeds({ ...needs, permission }, careful) };
}

/** A route that the guard did not look at, wherever it is mounted, does nothing. */
const onlyGuarded =
  (permission: Needed | null, handler: Handler<AppEnv>): Handler<AppEnv> =>
  (c, next) => {
    if (permission !== null && c.get("passed") !== permission) {
      throw new Error(`nobody has looked whether the caller has the permission ${permission}`);
    }
    return handler(c, next);
  };

/** For OpenAPI: the key of a request that is safe to repeat. `once` reads the header. */
export const idempotencyHeader = z.object({
  "idempotency-key": z.string().optional().openapi({
    example: "01jcz4kq8rj2m5v0a7w9x3y6pd",
    description: "Makes the request safe to repeat: a replay gets the first answer",
  }),
});
