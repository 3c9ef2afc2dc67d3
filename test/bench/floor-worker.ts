import { DurableObject } from "cloudflare:workers";

/** What a floor does for each request: the calls that ours was seen to make, with nothing in between. */
export interface Plan {
  answer: string;
  /** Each a call to D1. */
  reads: { sql: string; parameters: unknown[] }[][];
  /** So many objects, taken in turn from so many, write so many rows each, all at once. */
  objects: { each: number; of: number; rows: number };
  /** A last call to D1 with so many statements, that write so many rows in all. */
  writes: { statements: number; rows: number };
}

let plan: Plan;
let turn = 0;

export class Floor extends DurableObject {
  write(rows: number): void {
    this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body TEXT)");
    for (let row = 0; row < rows; row++) this.ctx.storage.sql.exec("INSERT INTO rows (body) VALUES ('row')");
  }
}

export default {
  async fetch(request, env) {
    if (request.method === "PUT") plan = await request.json<Plan>();
    const { reads, objects, writes } = plan;
    for (const call of reads) {
      await env.DB.batch(call.map(({ sql, parameters }) => env.DB.prepare(sql).bind(...parameters)));
    }
    const names = Array.from({ length: objects.each }, () => `object ${turn++ % objects.of}`);
    await Promise.all(names.map((name) => env.FLOOR.getByName(name).write(objects.rows)));
    const row = JSON.stringify(
      new Array(Math.ceil(writes.rows / writes.statements) || 0).fill("a row of a floor"),
    );
    const insert = env.DB.prepare("INSERT INTO floor (body) SELECT value FROM json_each(?)").bind(row);
    if (writes.rows > 0) await env.DB.batch(new Array(writes.statements).fill(insert));
    return new Response(plan.answer, { headers: { "content-type": "application/json" } });
  },
} satisfies ExportedHandler<{ DB: D1Database; FLOOR: DurableObjectNamespace<Floor> }>;
