import type { MiddlewareHandler } from "hono";
import { GUEST } from "./actor.ts";
import type { AppEnv } from "./app-env.ts";
import type { Memory } from "./cache/memory.ts";
import { clientAddress } from "./client-address.ts";
import type { Clock } from "./clock.ts";
import type { Context } from "./context.ts";
import { deferTo } from "./defer.ts";
import type { Ids } from "./ids.ts";
import { createLog, type Log } from "./log.ts";
import { problem } from "./problem.ts";
import { logProperties } from "./request-identity.ts";
import { readSettings } from "./settings.ts";

/** Gives each request the context of its operations. Without valid settings there is none: 503, naming them. */
export function openContext({
  memory,
  ...sources
}: {
  clock: Clock;
  ids: Ids;
  memory: Memory;
}): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const read = readSettings(c.env);
    if (read.kind === "misconfigured") {
      const detail = "A setting is wrong.";
      return problem(c, { status: 503, code: "misconfigured", detail, errors: read.faults });
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
      // What most answers need no more than once in a while is made when it is asked for.
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
