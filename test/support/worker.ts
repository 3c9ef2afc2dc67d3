import { Memory } from "../../src/platform/cache/memory.ts";
import type { Context } from "../../src/platform/context.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { readSettings } from "../../src/platform/settings.ts";
import { createWorker } from "../../src/worker.ts";
import type { Boundary } from "../chaos/boundary.ts";
import { watchAnswer } from "./canaries.ts";
import { testClock } from "./clock.ts";
import { holdToDocument } from "./hold-to-document.ts";

/** What the isolate of all tests remembers: a test that begins, and one that plays another isolate, clears it. */
export const memory = new Memory();

const worker = createWorker({ clock: testClock, ids: systemIds, memory });

/** For answers out of rows that no shop writes: nothing holds them to the API's document. */
export const unheld = worker.handler;

/** Every answer of every test is held to what the API's document says of its operation. */
export default {
  ...worker.handler,
  fetch: async (...[request, env, execution]: Parameters<typeof worker.handler.fetch>) => {
    const answer = await worker.handler.fetch(request, env, execution);
    const describe = () =>
      worker.handler.fetch(new Request("http://shop.test/openapi.json") as typeof request, env, execution);
    await holdToDocument(request, answer, describe);
    await watchAnswer(request, answer);
    return answer;
  },
} satisfies ExportedHandler<Cloudflare.Env>;

/** What the Stock objects call is watched through this, where a test sets it: their alarms can die too. */
export const alarmBoundary: { current: Boundary | null } = { current: null };
/** The bindings and settings of the order desk, where a test sets them: for all its groups, or made for each. */
export const deskEnv: { current: Cloudflare.Env | (() => Cloudflare.Env) | null } = { current: null };
/** What the order desk does after its answers. */
export const deskWork: Promise<unknown>[] = [];

export class Stock extends worker.Stock {
  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, watchedByTests(env));
  }
}

export class OrderDesk extends worker.OrderDesk {
  protected override context(): Context {
    const context = super.context();
    const given = deskEnv.current ?? context.env;
    const env = typeof given === "function" ? given() : given;
    const read = readSettings(env);
    if (read.kind === "misconfigured") throw new Error("the test's settings are wrong");
    const defer = (work: Promise<unknown>) => {
      context.defer(work);
      deskWork.push(work.catch(() => {}));
    };
    return { ...context, env, settings: read.settings, defer };
  }
}

/** Looks the boundary up at each use, since an object outlives many of them. */
function watchedByTests(env: Cloudflare.Env): Cloudflare.Env {
  return new Proxy(env, {
    get: (bindings, name) => {
      const boundary = alarmBoundary.current;
      return Reflect.get(boundary ? boundary.watch(bindings) : bindings, name);
    },
  });
}

export { RateLimiter } from "../../src/platform/rate-limit/rate-limiter.ts";
