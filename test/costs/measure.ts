import { env } from "cloudflare:workers";
import type { Context } from "../../src/platform/context.ts";
import { testContext } from "../events/context.ts";
import { type Answer, answerOf } from "../orders/ask.ts";
import { QUIET } from "../payments/settle/till.ts";
import worker from "../support/worker.ts";

/** One statement as D1 was sent it, with what it cost by D1's own count. */
export interface Sent {
  sql: string;
  values: unknown[];
  read: number;
  written: number;
}

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
  const answer = await answerOf(
    worker.fetch(request as never, { ...env, ...QUIET, DB: watch(measured) } as never, execution),
  );
  await Promise.all(deferred);
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
function watch(measured: Measured): D1Database {
  const known = new WeakMap<object, { statement: D1PreparedStatement; sql: string; values: unknown[] }>();
  const note = (sql: string, values: unknown[], { meta }: D1Result) =>
    void measured.sent.push({ sql, values, read: meta.rows_read, written: meta.rows_written });
  const prepared = (statement: D1PreparedStatement, sql: string, values: unknown[]): D1PreparedStatement => {
    const run = async (): Promise<D1Result> => {
      measured.calls += 1;
      const result = await statement.all();
      note(sql, values, result);
      return result;
    };
    const face = {
      bind: (...given: unknown[]) => prepared(statement.bind(...given), sql, given),
      all: run,
      run,
      first: async (column?: string) => {
        const row = ((await run()).results[0] ?? null) as Record<string, unknown> | null;
        return column === undefined || row === null ? row : row[column];
      },
      raw: async () => ((await run()).results as object[]).map((row) => Object.values(row)),
    } as unknown as D1PreparedStatement;
    known.set(face, { statement, sql, values });
    return face;
  };
  return {
    prepare: (sql: string) => prepared(env.DB.prepare(sql), sql, []),
    batch: async (faces: D1PreparedStatement[]) => {
      measured.calls += 1;
      const all = faces.map((face) => {
        const one = known.get(face);
        if (!one) throw new Error("a statement of another database");
        return one;
      });
      const results = await env.DB.batch(all.map(({ statement }) => statement));
      for (const [index, { sql, values }] of all.entries()) note(sql, values, results[index] as D1Result);
      return results;
    },
  } as unknown as D1Database;
}

/** How SQLite goes about a statement, a line for each step. */
export async function planOf({ sql, values }: Sent): Promise<string[]> {
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}
