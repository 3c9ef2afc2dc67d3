import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createApp } from "../../src/app.ts";
import type { StockPort } from "../../src/catalog/stock-port.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { writableGeneration } from "../../src/platform/restoring.ts";
import { testClock } from "../support/clock.ts";
import type { Answer } from "./api.ts";

interface Probe {
  stock?: Partial<StockPort>;
  /** Runs before a round trip to D1, the first of a request being 1: what others do in between. */
  before?: (roundTrip: number) => Promise<unknown>;
}

const NO_STOCK: StockPort = {
  levels: async () => ({ on_hand: 0, reserved: 0, available: 0, stores: [] }),
  open: async () => undefined,
};

/** The app with a stock of the test's own, and with each round trip to D1 counted, measured, and held up at will. */
export function probe({ stock, before = async () => undefined }: Probe = {}) {
  const seen = { roundTrips: 0, largestParameter: 0 };
  const roundTrip = async <T>(work: () => Promise<T>): Promise<T> => {
    seen.roundTrips += 1;
    await before(seen.roundTrips);
    return work();
  };
  const real = new WeakMap<object, D1PreparedStatement>();
  const watched = (statement: D1PreparedStatement) => {
    const watcher = {
      bind: (...values: unknown[]) => {
        const sizes = values.map((value) => new TextEncoder().encode(String(value)).length);
        seen.largestParameter = Math.max(seen.largestParameter, ...sizes);
        return watched(statement.bind(...values));
      },
      first: () => roundTrip(() => statement.first()),
      all: () => roundTrip(() => statement.all()),
      run: () => roundTrip(() => statement.run()),
    };
    real.set(watcher, statement);
    return watcher;
  };
  const DB = {
    prepare: (sql: string) => watched(env.DB.prepare(sql)),
    batch: (statements: object[]) =>
      roundTrip(() => env.DB.batch(statements.flatMap((statement) => real.get(statement) ?? []))),
  };
  const app = createApp({ clock: testClock, ids: systemIds, stock: { ...NO_STOCK, ...stock } });

  const send = async (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: unknown,
  ): Promise<Answer> => {
    const bindings: object = { ...env };
    // As an isolate that has just seen that the shop is not being restored: that look is none of the request's.
    await writableGeneration({ env: bindings as Cloudflare.Env, clock: testClock });
    Object.assign(bindings, { DB });
    seen.roundTrips = 0;
    const response = await app.fetch(
      new Request(`http://shop.test/api/v1${path}`, {
        method,
        headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
      bindings,
      createExecutionContext(),
    );
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? null : JSON.parse(text),
    };
  };
  return { send, seen };
}
