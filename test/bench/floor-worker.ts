import { DurableObject } from "cloudflare:workers";
import type { Plan } from "./plan.ts";

let plan: Plan;
let turn = 0;

export class Floor extends DurableObject {
  override alarm(): void {}

  write(rows: number): void {
    this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body TEXT)");
    this.ctx.storage.setAlarm(Date.now() + 60_000);
    for (let row = 0; row < rows; row++) this.ctx.storage.sql.exec("INSERT INTO rows (body) VALUES ('row')");
  }
}

interface Bindings {
  DB: D1Database;
  FLOOR: DurableObjectNamespace<Floor>;
  QUEUE: Queue;
}

export default {
  async fetch(request, env, execution) {
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
    if (writes.rows > 0) {
      await env.DB.batch(new Array(writes.statements).fill(insert));
      execution.waitUntil(env.QUEUE.sendBatch([{ body: "a bell" }]));
    }
    return new Response(plan.answer, { headers: { "content-type": "application/json" } });
  },
} satisfies ExportedHandler<Bindings>;
