import { createApp } from "./app.ts";
import { readClaimStates } from "./claims/states.ts";
import { stockOf } from "./inventory/client.ts";
import { StockObject, type StockPorts } from "./inventory/object/stock-object.ts";
import { OrderDeskObject } from "./orders/desk/desk-object.ts";
import { claimedOrders } from "./orders/steps/claimed.ts";
import { systemActor } from "./platform/actor.ts";
import type { Memory } from "./platform/cache/memory.ts";
import type { Clock } from "./platform/clock.ts";
import type { Context } from "./platform/context.ts";
import type { Ids } from "./platform/ids.ts";
import { createLog, deferTo } from "./platform/log.ts";
import { readSettings } from "./platform/settings.ts";
import { consume } from "./queues.ts";
import { runSchedule } from "./schedule.ts";

/** Where time and ids come from: the system in the Worker, or a test. */
export interface Sources {
  clock: Clock;
  ids: Ids;
  /** The isolate's cache of answers. */
  memory?: Memory;
}

/** Keeps work alive after an answer: an ExecutionContext, or a Durable Object's state. */
interface Host {
  waitUntil(work: Promise<unknown>): void;
}

/** Wires the rooms: fills the ports that a lower room declares with the functions of a higher one. */
export function createWorker(sources: Sources) {
  const contextFor = (env: Cloudflare.Env, name: string, host: Host): Context => {
    const read = readSettings(env);
    if (read.kind === "misconfigured") {
      throw new Error(
        `misconfigured: ${read.faults.map((fault) => `${fault.setting} ${fault.message}`).join("; ")}`,
      );
    }
    const requestId = sources.ids.next();
    const log = createLog({ request_id: requestId, part: name });
    return {
      env,
      settings: read.settings,
      ...sources,
      log,
      actor: systemActor(name),
      address: "internal",
      requestId,
      generation: undefined,
      defer: deferTo(log, (work) => host.waitUntil(work)),
    };
  };

  class Stock extends StockObject {
    protected readonly ports: StockPorts = {
      clock: sources.clock,
      askFates: (productId, claims) =>
        readClaimStates(contextFor(this.env, "stock-alarm", this.ctx), claimedOrders, productId, claims),
    };
  }

  class OrderDesk extends OrderDeskObject {
    protected context(): Context {
      return contextFor(this.env, "order-desk", this.ctx);
    }
  }

  const app = createApp({
    ...sources,
    stock: {
      levels: (context, productId) => stockOf(context.env, productId).levels(),
      open: async (context, productId, levels) => {
        const command = { levels, actor: context.actor.name };
        await stockOf(context.env, productId).open(productId, command, context.generation);
      },
    },
  });

  const handler = {
    fetch: (request, env, execution) => app.fetch(request, env, execution),
    queue: (batch, env, execution) => consume(contextFor(env, `queue-${batch.queue}`, execution), batch),
    scheduled: (_event, env, execution) => runSchedule(contextFor(env, "schedule", execution)),
  } satisfies ExportedHandler<Cloudflare.Env>;

  return { handler, Stock, OrderDesk };
}
