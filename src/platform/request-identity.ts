import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";
import type { Ids } from "./ids.ts";

const SANE_REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00; ids of zeros alone are invalid. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Names the request: by the caller's `X-Request-Id` when that is sane, else by a fresh one. It is on every answer,
 * and so is a valid `traceparent` that came in.
 */
export function nameRequest(ids: Ids): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const given = c.req.header("X-Request-Id");
    const requestId = given !== undefined && SANE_REQUEST_ID.test(given) ? given : ids.next();
    c.set("requestId", requestId);
    const traceparent = c.req.header("traceparent");
    await next();
    const { headers } = c.res;
    headers.set("X-Request-Id", requestId);
    if (traceparent !== undefined && TRACEPARENT.test(traceparent)) headers.set("traceparent", traceparent);
  };
}

/** What each log line of a request carries: its id, and its trace's where it is part of one. */
export function logProperties(requestId: string, traceparent: string | undefined): Record<string, string> {
  const trace = TRACEPARENT.exec(traceparent ?? "")?.[1];
  return trace ? { request_id: requestId, trace_id: trace } : { request_id: requestId };
}
