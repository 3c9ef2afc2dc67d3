import type { RouteConfig, RouteHandler, z } from "@hono/zod-openapi";
import type { Handler, TypedResponse } from "hono";
import type { JSONParsed } from "hono/utils/types";
import type { AppEnv } from "./app-env.ts";
import type { Remembered } from "./cache/answer.ts";
import type { Replayed } from "./idempotency.ts";
import { type Needs, withNeeds } from "./needs.ts";
import type { ProblemAnswer } from "./problem.ts";

/** A route as OpenAPI describes it, with what it needs of the guards before it. */
type Route = RouteConfig & { needs?: Partial<Needs> };

/** A route that has been declared: its own type, of which `endpoint` knows what it takes and answers. */
export const createRoute = <Path extends string, R extends Route & { path: Path }>(route: R): R => route;

/** A route and what answers it, for `createRouter`. */
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
 * What may be answered with one declared status: what its schema says, or bytes that were made of such before. No
 * content is such bytes too.
 */
type AnswerOf<Declared, Status extends number> =
  | TypedResponse<JSONParsed<ContentOf<Declared, "application/json">>, Status & Code, "json">
  | TypedResponse<ContentOf<Declared, "text/plain">, Status & Code, "text">
  | TypedResponse<unknown, Status & Code, "body">;

type Code = TypedResponse["_status"];

type OfStatuses<Responses> = {
  [Status in keyof Responses & number]: AnswerOf<Responses[Status], Status>;
}[keyof Responses & number];

/** What a route has declared to answer. A problem is, of every route: it is the default answer of its description. */
export type Answer<R extends Route> =
  | OfStatuses<R["responses"]>
  | Remembered<ContentOf<R["responses"][200], "application/json">>
  | Replayed
  | ProblemAnswer;

/**
 * A route with its handler, which must answer what the route declares: another status, another body or nothing at all
 * does not compile. What the guards are to know of it is declared with it. The cast forgets which request this handler
 * takes: it is the one of its own route, beside which it is kept.
 */
export function endpoint<R extends Route>(
  { needs, ...route }: R,
  handler: (c: HandlerContext<R>) => Answer<R> | Promise<Answer<R>>,
): Endpoint {
  return { route, handler: withNeeds(needs ?? {}, handler as Handler<AppEnv>) };
}
