import { env } from "cloudflare:workers";
import { systemActor } from "../../src/platform/actor.ts";
import type { Context } from "../../src/platform/context.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { createLog } from "../../src/platform/log.ts";
import { readSettings } from "../../src/platform/settings.ts";
import { testClock } from "../support/clock.ts";

/** An operation's context, for what no route reaches: the test's clock and bindings, and whatever it replaces. */
export function testContext(replaced: Partial<Context> = {}): Context {
  const read = readSettings(env);
  if (read.kind === "misconfigured") throw new Error("the test's settings are wrong");
  return {
    env,
    settings: read.settings,
    clock: testClock,
    ids: systemIds,
    log: createLog({ part: "test" }),
    actor: systemActor("test"),
    address: "internal",
    requestId: "test-request",
    generation: 0,
    defer: () => {},
    ...replaced,
  };
}
