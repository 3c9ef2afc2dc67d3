import type { MiddlewareHandler } from "hono";
import { GUEST } from "./actor.ts";
import type { AppEnv } from "./app-env.ts";
import { clientAddress } from "./client-address.ts";
import type { Clock } from "./clock.ts";
import { deferTo } from "./defer.ts";
import type { Ids } from "./ids.ts";
import { createLog } from "./log.ts";
import { problem } from "./problem.ts";
import { logProperties } from "./request-identity.ts";
import { readSettings } from "./settings.ts";

/** Gives each request the context of its operations. Without valid settings there is none: 503, naming them. */
export function openContext(sources: { clock: Clock; ids: Ids }): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const read = readSettings(c.env);
    if (read.kind === "misconfigured") {
      const detail = "A setting is wrong.";
      return problem(c, { status: 503, code: "misconfigured", detail, errors: read.faults });
    }
    const requestId = c.get("requestId");
    const log = createLog(logProperties(requestId, c.req.header("traceparent")));
    c.set("operation", {
      env: c.env,
      settings: read.settings,
      ...sources,
      log,
      actor: GUEST,
      address: clientAddress(c.req.raw),
      requestId,
      defer: deferTo(log, (work) => c.executionCtx.waitUntil(work)),
    });
    return next();
  };
}
