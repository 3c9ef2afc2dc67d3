import { DurableObject } from "cloudflare:workers";
import { current, insert, makeCalls } from "./floor-calls.ts";
import { type Bindings, ENTRIES_OF_A_HOLD, type Plan, tablesOf } from "./plan.ts";

export { FloorDesk } from "./floor-desk.ts";

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

/** Some two milliseconds of the processor, as an order takes. The clock of a Worker stands still meanwhile. */
function compute(): number {
  let sum = 0;
  for (let round = 0; round < 1_000_000; round++) sum += round % 7;
  return sum;
}

let turn = 0;
export default {
  async fetch(request, env, execution) {
    if (new URL(request.url).pathname === "/busy") return new Response(`${compute()}`);
    if (request.method === "PUT") current.plan = await request.json<Plan>();
    if (new URL(request.url).pathname === "/together") await env.DESK.getByName("desk").place(turn++);
    else await makeCalls(env, [turn++]);
    if (current.plan?.writes.length) execution.waitUntil(env.BELLS.sendBatch([{ body: "a bell" }]));
    return new Response(current.plan?.answer, { headers: { "content-type": "application/json" } });
  },
  async queue({ messages }, env) {
    const news = insert(env, 0, JSON.stringify(messages.map(({ body }) => body)));
    await env.DB.batch([news, news, news]);
    await Promise.all(messages.map(({ body }) => env.FLOOR.getByName(body).write([1])));
  },
} satisfies ExportedHandler<Bindings, string>;
