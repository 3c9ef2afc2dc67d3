import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Memory } from "../../../src/platform/cache/memory.ts";
import { systemIds } from "../../../src/platform/ids.ts";
import { createWorker } from "../../../src/worker.ts";
import { Boundary } from "../../chaos/boundary.ts";
import { type Answer, answerOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";

/** A boundary that watches KV too, and knows which calls have ended. */
export class Calls extends Boundary {
  /** Labels, in the order in which they began. */
  get ended(): string[] {
    return this.calls.filter((_, index) => this.#ended.has(index));
  }
  readonly #ended = new Set<number>();

  override async cross<T>(label: string, call: () => Promise<T>): Promise<T> {
    const index = this.calls.length;
    try {
      return await super.cross(label, call);
    } finally {
      this.#ended.add(index);
    }
  }

  override watch(bindings: Cloudflare.Env): Cloudflare.Env {
    const kv = bindings.CACHE;
    const CACHE = new Proxy(kv, {
      get: (_, method) => {
        const call = Reflect.get(kv, method) as (...parameters: unknown[]) => Promise<unknown>;
        return (...parameters: unknown[]) =>
          this.cross(`KV.${String(method)}`, async () => call.apply(kv, parameters));
      },
    });
    return { ...super.watch(bindings), CACHE };
  }
}

export interface Visit {
  answer: Answer;
  /** Calls to other parts that had ended when the answer came, so that it may have waited for them, and the others. */
  before: string[];
  after: string[];
}

interface Asking {
  method?: string;
  headers?: Record<string, string>;
  host?: string;
  body?: unknown;
  /** Fails or stalls one of the calls. */
  calls?: Calls;
}

/** One isolate of several: with its own memory, beside the same storage. */
export function newIsolate(settings: Record<string, unknown> = {}) {
  const memory = new Memory();
  const { handler } = createWorker({ clock: testClock, ids: systemIds, memory });

  const visit = async (path: string, asking: Asking = {}): Promise<Visit> => {
    const { method = "GET", headers = {}, host = "shop.test", body, calls = new Calls() } = asking;
    const execution = createExecutionContext();
    const request = new Request(`http://${host}/api/v1${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const response = await handler.fetch(request as never, { ...calls.watch(env), ...settings }, execution);
    const before = calls.ended;
    const answer = await answerOf(response);
    await waitOnExecutionContext(execution);
    return { answer, before, after: calls.calls.slice(before.length) };
  };
  return { memory, visit };
}
