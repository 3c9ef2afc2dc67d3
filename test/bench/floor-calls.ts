import type { Bindings, Plan } from "./plan.ts";

/** What every request does, set by the bench. One isolate has the Worker and its objects. */
export const current: { plan: Plan | null } = { plan: null };

export const insert = (env: Bindings, table: number, texts: string): D1PreparedStatement =>
  env.DB.prepare(`INSERT INTO floor_${table} (body) SELECT value FROM json_each(?)`).bind(texts);

let objectsCalled = 0;

/**
 * Makes the calls of some requests as one: what one request reads and writes by a list, they read and write by one list, and
 * an object that several of them need is called once.
 * @param turns which requests of the plan
 */
export async function makeCalls(env: Bindings, turns: number[]): Promise<void> {
  const { plan } = current;
  if (!plan) throw new Error("there is no plan");
  const { reads, objects, writes } = plan;
  const read = turns.map((turn) => reads[turn % reads.length] ?? []);
  for (const [place, call] of (read[0] ?? []).entries())
    await env.DB.batch(
      call.map(({ sql, parameters }, at) => {
        const each = parameters.map((_, index) => read.map((one) => one[place]?.[at]?.parameters[index]));
        return env.DB.prepare(sql).bind(...each.map(joined));
      }),
    );
  const holds = new Map<string, number[]>();
  for (let count = objects.each * turns.length; count > 0; count--) {
    const name = `object ${objectsCalled++ % objects.of}`;
    holds.set(name, [...(holds.get(name) ?? []), ...objects.tables]);
  }
  await Promise.all([...holds].map(([name, tables]) => env.FLOOR.getByName(name).write(tables, true)));
  if (writes.length === 0) return;
  const texts = writes.map((rows) => joined(turns.map(() => rows)) as string);
  await env.DB.batch(texts.map((rows, table) => insert(env, table, rows)));
}

/** Lists, which are JSON arrays, are put together; of anything else one stands for all. */
function joined(values: unknown[]): unknown {
  const [first] = values;
  if (values.length === 1 || typeof first !== "string" || !first.startsWith("[")) return first;
  const inner = values.map((value) => String(value).slice(1, -1)).filter((text) => text !== "");
  return `[${inner.join()}]`;
}
