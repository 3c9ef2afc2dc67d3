import type { MiddlewareHandler } from "hono";
import { GUEST } from "../actor.ts";
import type { Memory } from "../cache/memory.ts";
import type { Clock } from "../clock.ts";
import type { Context } from "../context.ts";
import type { Ids } from "../ids.ts";
import { createLog, deferTo, type Log } from "../log.ts";
import { readSettings } from "../settings.ts";
import type { AppEnv } from "./app-env.ts";
import { clientAddress } from "./client-address.ts";
import { misconfigured, problem } from "./problem.ts";

/**
 * Gives each request the context of its operations. If settings are wrong, the answer is a 503 that names them.
 * @param reports the path that reports wrong settings, and below which there is then no context
 */
export function openContext(
  {
    memory,
    ...sources
  }: {
    clock: Clock;
    ids: Ids;
    memory: Memory;
  },
  reports: string,
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const read = readSettings(c.env);
    if (read.kind === "misconfigured") {
      if (c.req.path.startsWith(reports)) return next();
      return problem(c, misconfigured(read.faults));
    }
    const requestId = c.get("requestId");
    let log: Log | undefined;
    let address: string | undefined;
    const context: Context = {
      env: c.env,
      settings: read.settings,
      ...sources,
      actor: GUEST,
      requestId,
      generation: undefined,
      // Made when they are first used, because answers from memory need neither.
      get log() {
        log ??= createLog(logProperties(requestId, c.req.header("traceparent")));
        return log;
      },
      get address() {
        address ??= clientAddress(c.req.raw);
        return address;
      },
      defer: (work) => deferTo(context.log, (kept) => c.executionCtx.waitUntil(kept))(work),
    };
    c.set("context", context);
    c.set("memory", memory);
    return next();
  };
}

const SANE_REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00; ids of zeros alone are invalid. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Gives the request its id: the caller's `X-Request-Id` if that is sane, else a fresh one. Every response has it, and also
 * the `traceparent` of the request if that is valid; but what a caller sent is in no answer that caches repeat to others.
 */
export function nameRequest(ids: Ids): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const given = c.req.header("X-Request-Id");
    const requestId = given !== undefined && SANE_REQUEST_ID.test(given) ? given : ids.next();
    c.set("requestId", requestId);
    const traceparent = c.req.header("traceparent");
    await next();
    const { headers } = c.res;
    const isPublic = headers.get("Cache-Control")?.startsWith("public") === true;
    if (isPublic && requestId === given) return;
    headers.set("X-Request-Id", requestId);
    if (isPublic) return;
    if (traceparent !== undefined && TRACEPARENT.test(traceparent)) headers.set("traceparent", traceparent);
  };
}

/** The fields in each log line of a request. */
export function logProperties(requestId: string, traceparent: string | undefined): Record<string, string> {
  const trace = TRACEPARENT.exec(traceparent ?? "")?.[1];
  return trace ? { request_id: requestId, trace_id: trace } : { request_id: requestId };
}
