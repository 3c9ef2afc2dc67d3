import { systemClock } from "../../src/platform/clock.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { RateLimiter } from "../../src/platform/rate-limit/rate-limiter.ts";
import { createWorker } from "../../src/worker.ts";
import { notedD1 } from "../support/noted-d1.ts";

/**
 * The Worker with its bindings counted, for the bench: what a request asked of other parts before it answered goes out
 * in a header, and the statements that it sent to D1 can be had afterwards, for the floor to send them too.
 */
const worker = createWorker({ clock: systemClock, ids: systemIds });
export const Stock = worker.Stock;
export { RateLimiter };

/** The request that is counted just now: the desk asks other parts on its behalf. */
let current: Counted | null = null;

export class OrderDesk extends worker.OrderDesk {
  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    const watched = (): Cloudflare.Env => (current === null ? env : watch(env, current));
    super(state, new Proxy(env, { get: (_bindings, name) => Reflect.get(watched(), name) }));
  }
}

export interface CountedStatement {
  sql: string;
  parameters: unknown[];
  /** As D1 counts: rows, and entries of indexes. */
  written: number;
}

/** What one request did before its answer. */
export interface Counted {
  /** `D1.batch`, `Stock.reserve`, … and how often. */
  calls: Record<string, number>;
  rowsRead: number;
  rowsWritten: number;
  /** Of each call to D1, the statements. */
  statements: CountedStatement[][];
}

const HEADER = "bench-io";

export default {
  ...worker.handler,
  async fetch(request, env, execution) {
    if (request.headers.get(HEADER) === null) return worker.handler.fetch(request, env, execution);
    const counted: Counted = { calls: {}, rowsRead: 0, rowsWritten: 0, statements: [] };
    current = counted;
    const answer = await worker.handler.fetch(request, watch(env, counted), execution);
    current = null;
    const body = { status: answer.status, ...counted };
    await answer.arrayBuffer();
    return Response.json(body);
  },
} satisfies ExportedHandler<Cloudflare.Env>;

function watch(env: Cloudflare.Env, counted: Counted): Cloudflare.Env {
  const count = (call: string) => {
    counted.calls[call] = (counted.calls[call] ?? 0) + 1;
  };
  const watched = { ...env, DB: watchDatabase(env.DB, counted, count) };
  for (const name of ["STOCK", "ORDER_DESK", "RATE_LIMITER"] as const) {
    Object.assign(watched, { [name]: watchObjects(name, env[name], count) });
  }
  for (const name of [
    "CACHE",
    "ORDERS_QUEUE",
    "NOTIFICATIONS_QUEUE",
    "PAYMENTS_QUEUE",
    "FLOOD_GUARD",
    "WEBHOOK_GUARD",
  ] as const) {
    Object.assign(watched, { [name]: watchMethods(name, env[name], count) });
  }
  return watched;
}

type Count = (call: string) => void;

const watchMethods = <T extends object>(name: string, target: T, count: Count): T =>
  new Proxy(target, {
    get: (object, property) => {
      const value: unknown = Reflect.get(object, property);
      if (typeof value !== "function") return value;
      return (...parameters: unknown[]) => {
        count(`${name}.${String(property)}`);
        return value.apply(object, parameters);
      };
    },
  });

const watchObjects = <T extends object>(name: string, namespace: T, count: Count): T =>
  new Proxy(namespace, {
    get: (object, property) => {
      const value: unknown = Reflect.get(object, property);
      if (typeof value !== "function") return value;
      if (property !== "get") return value.bind(object);
      return (...parameters: unknown[]) => watchStub(name, value.apply(object, parameters), count);
    },
  });

const watchStub = (name: string, stub: Record<string, (...all: unknown[]) => unknown>, count: Count) =>
  new Proxy(stub, {
    get:
      (object, property) =>
      (...parameters: unknown[]) => {
        count(`${name}.${String(property)}`);
        // An RPC method is called on its stub: `apply` would be taken for a method of the other side.
        return object[String(property)]?.(...parameters);
      },
  });

const watchDatabase = (db: D1Database, counted: Counted, count: Count): D1Database =>
  notedD1(db, (sent, how) => {
    count(`D1.${how}`);
    counted.statements.push(sent.map(({ sql, values, written }) => ({ sql, parameters: values, written })));
    for (const { read, written } of sent) {
      counted.rowsRead += read;
      counted.rowsWritten += written;
    }
  });
