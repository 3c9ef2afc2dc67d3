import { env } from "cloudflare:workers";
import { Boundary } from "../chaos/boundary.ts";
import worker, { deskEnv, deskWork } from "../support/worker.ts";
import { type Answer, answerOf } from "./ask.ts";

/** What one call to D1 cost, over all statements of its batch. */
export interface Rows {
  read: number;
  written: number;
}

/** A boundary that also notes when calls end, and what those to D1 cost; those of the order desk, too. */
export class Trace extends Boundary {
  constructor(plan: ConstructorParameters<typeof Boundary>[0] = null) {
    super(plan, { withDesk: true });
  }

  /** `> D1.batch` when it began, `< D1.batch` when it was answered. */
  readonly steps: string[] = [];
  readonly rows: Rows[] = [];

  override async cross<T>(label: string, call: () => Promise<T>): Promise<T> {
    this.steps.push(`> ${label}`);
    const result = await super.cross(label, call);
    this.steps.push(`< ${label}`);
    if (label === "D1.batch") this.rows.push(rowsOf(result as D1Result[]));
    return result;
  }
}

function rowsOf(results: D1Result[]): Rows {
  const sum = (of: (result: D1Result) => number) => results.reduce((total, result) => total + of(result), 0);
  return { read: sum(({ meta }) => meta.rows_read), written: sum(({ meta }) => meta.rows_written) };
}

export interface Traced {
  answer: Answer;
  /** Calls that were begun before the answer, in order. */
  calls: string[];
  rows: Rows[];
  /** Waits for what goes on after the answer. */
  rest: () => Promise<unknown>;
}

/** One request whose every call to another part is noted. The trace may stall one of them: the answer is not awaited for it. */
export async function traced(
  trace: Trace,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  settings: Record<string, unknown> = {},
): Promise<Traced> {
  const deferred: Promise<unknown>[] = [];
  const request = new Request(`http://shop.test/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const execution = {
    waitUntil: (work: Promise<unknown>) => void deferred.push(work),
    passThroughOnException: () => {},
    props: {},
  } as unknown as ExecutionContext;
  const watched = { ...trace.watch(env), ...settings };
  deskEnv.current = watched;
  const answer = await answerOf(worker.fetch(request as never, watched, execution));
  return {
    answer,
    calls: [...trace.calls],
    rows: trace.rows,
    rest: () => Promise.all([...deferred, ...deskWork]),
  };
}
