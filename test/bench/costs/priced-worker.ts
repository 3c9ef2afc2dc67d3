import { StockObject } from "../../../src/inventory/object/stock-object.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { systemIds } from "../../../src/platform/ids.ts";
import { RateLimiter as PlainLimiter } from "../../../src/platform/rate-limit/rate-limiter.ts";
import { createWorker } from "../../../src/worker.ts";
import { COUNTS_PATH } from "./counts.ts";
import { called, countBatch, countRequest, tally, watchedEnv, watchedState } from "./watch.ts";

/**
 * The Worker with all counted that Cloudflare bills by use: what requests, queues and alarms do, in the objects too. The
 * bench takes the counts by a request of its own.
 */
const worker = createWorker({ clock: systemClock, ids: systemIds });

/** An object's own constructor wants its own state, so the watched one takes its place afterwards. */
const watch = (object: object, name: string, state: DurableObjectState, env: Cloudflare.Env) =>
  Object.defineProperties(object, {
    ctx: { value: watchedState(name, state) },
    env: { value: watchedEnv(env) },
  });

export class Stock extends worker.Stock {
  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env);
    watch(this, "Stock", state, env);
  }
}

type Method = (this: object, ...parameters: unknown[]) => unknown;

/** What others call is found on the class: each command, and the alarm. */
for (const name of Object.getOwnPropertyNames(StockObject.prototype)) {
  const method: unknown = Reflect.get(StockObject.prototype, name);
  if (name === "constructor" || typeof method !== "function") continue;
  const counted: Method = function (...parameters) {
    return called(this, "Stock", name, () => (method as Method).apply(this, parameters));
  };
  Object.defineProperty(Stock.prototype, name, { value: counted });
}

export class OrderDesk extends worker.OrderDesk {
  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env);
    watch(this, "OrderDesk", state, env);
  }

  override place(...parameters: Parameters<InstanceType<typeof worker.OrderDesk>["place"]>) {
    return called(this, "OrderDesk", "place", () => super.place(...parameters));
  }
}

export class RateLimiter extends PlainLimiter {
  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(watchedState("RateLimiter", state), env);
  }

  override fetch(request: Request): Promise<Response> {
    return called(this, "RateLimiter", "fetch", () => super.fetch(request));
  }

  override alarm(): Promise<void> {
    return called(this, "RateLimiter", "alarm", () => super.alarm());
  }
}

export default {
  async fetch(request, env, execution) {
    if (new URL(request.url).pathname === COUNTS_PATH) {
      const { counts } = tally;
      if (request.method === "DELETE") tally.counts = {};
      return Response.json(counts);
    }
    countRequest();
    return worker.handler.fetch(request, watchedEnv(env), execution);
  },
  async queue(batch, env, execution) {
    countBatch(batch);
    return worker.handler.queue(batch, watchedEnv(env), execution);
  },
} satisfies ExportedHandler<Cloudflare.Env>;
