import { DurableObject } from "cloudflare:workers";
import { type Bindings, ENTRIES_OF_A_HOLD, type Plan, tablesOf } from "./plan.ts";

let plan: Plan;
let turn = 0;
export class Floor extends DurableObject<Bindings> {
  #armed = false;
  readonly tables = tablesOf("hold", ENTRIES_OF_A_HOLD).map((sql) => this.ctx.storage.sql.exec(sql));
  override async alarm(): Promise<void> {
    this.write([1]);
    this.#armed = false;
    await this.env.NEWS.send(this.ctx.id.name ?? "");
  }
  write(tables: number[], wake = false): void {
    if (wake && !this.#armed) this.ctx.storage.setAlarm(Date.now() + 2000);
    this.#armed ||= wake;
    for (const at of tables) this.ctx.storage.sql.exec(`INSERT INTO hold_${at} (body) VALUES ('row')`);
  }
}
const insert = (env: Bindings, table: number, texts: string) =>
  env.DB.prepare(`INSERT INTO floor_${table} (body) SELECT value FROM json_each(?)`).bind(texts);
export default {
  async fetch(request, env, execution) {
    if (request.method === "PUT") plan = await request.json<Plan>();
    const { reads, objects, writes } = plan;
    for (const call of reads)
      await env.DB.batch(call.map(({ sql, parameters }) => env.DB.prepare(sql).bind(...parameters)));
    const names = Array.from({ length: objects.each }, () => `object ${turn++ % objects.of}`);
    await Promise.all(names.map((name) => env.FLOOR.getByName(name).write(objects.tables, true)));
    if (writes.length > 0) await env.DB.batch(writes.map((texts, table) => insert(env, table, texts)));
    if (writes.length > 0) execution.waitUntil(env.BELLS.sendBatch([{ body: "a bell" }]));
    return new Response(plan.answer, { headers: { "content-type": "application/json" } });
  },
  async queue({ messages }, env) {
    const news = insert(env, 0, JSON.stringify(messages.map(({ body }) => body)));
    await env.DB.batch([news, news, news]);
    await Promise.all(messages.map(({ body }) => env.FLOOR.getByName(body).write([1])));
  },
} satisfies ExportedHandler<Bindings, string>;
