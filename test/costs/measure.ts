import { env } from "cloudflare:workers";
import type { Context } from "../../src/platform/context.ts";
import { testContext } from "../events/context.ts";
import { type Answer, answerOf } from "../orders/ask.ts";
import { QUIET } from "../payments/settle/till.ts";
import { notedD1, type Sent } from "../support/noted-d1.ts";
import { deskEnv, deskWork, unheld } from "../support/worker.ts";

/** What one operation asked of D1, after its answer too. */
export interface Measured {
  /** Round trips: a batch is one. */
  calls: number;
  sent: Sent[];
}

/**
 * One request, with all that goes on after its answer. What Stock objects ask by themselves is not its; its bells ring for
 * nobody.
 * @param body a text is sent as it stands
 */
export async function measureRequest(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Measured & { answer: Answer }> {
  const measured: Measured = { calls: 0, sent: [] };
  const deferred: Promise<unknown>[] = [];
  const execution = {
    waitUntil: (work: Promise<unknown>) => void deferred.push(work),
    passThroughOnException: () => {},
    props: {},
  } as unknown as ExecutionContext;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const request = new Request(`http://shop.test/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? null : text,
  });
  const bindings = { ...env, ...QUIET, DB: watch(measured) } as never;
  deskEnv.current = bindings;
  const answer = await answerOf(unheld.fetch(request as never, bindings, execution));
  await Promise.all([...deferred, ...deskWork]);
  deskEnv.current = null;
  return { ...measured, answer };
}

/** What no request reaches: a job, a sweep, a consumer. */
export async function measure(act: (context: Context) => Promise<unknown>): Promise<Measured> {
  const measured: Measured = { calls: 0, sent: [] };
  const deferred: Promise<unknown>[] = [];
  const watched = { ...env, ...QUIET, DB: watch(measured) };
  await act(testContext({ env: watched, defer: (work) => void deferred.push(work) }));
  await Promise.all(deferred);
  return measured;
}

/** D1, with every statement noted, however it is sent. */
const watch = (measured: Measured): D1Database =>
  notedD1(env.DB, (sent) => {
    measured.calls += 1;
    measured.sent.push(...sent);
  });

/** How SQLite goes about a statement, a line for each step. */
export async function planOf({ sql, values }: Sent): Promise<string[]> {
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}
