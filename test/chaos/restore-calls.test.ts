import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { restoreShop } from "../../src/cli/restore-shop.ts";
import { stockOf } from "../../src/inventory/client.ts";
import { applyReports } from "../../src/inventory/projection/projection.ts";
import { testContext } from "../events/context.ts";
import { type Answer, answerOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { givenAdmin, quiet, saved } from "./shop-backup.ts";
import { Sleeper } from "./sleeper.ts";
import { send } from "./stage.ts";

/**
 * The calls of a restore itself, which overwrite the shop: one that comes late, and two operators at once. Each call carries
 * the generation of its restore, and does nothing unless the shop is being restored in that one (src/platform/restoring.ts).
 */

const HOUR = 3_600_000;
const SUPERSEDED = [409, "restore_superseded"];

const refusal = ({ status, body }: Answer) => [status, body?.code];
const rowsOf = async (table: string) =>
  (await env.DB.prepare(`SELECT id, status FROM ${table}`).all<{ id: string; status: string }>()).results;
const sellingNow = () =>
  env.DB.prepare("SELECT value FROM shop_state WHERE key = 'selling'").first<string>("value");

async function givenBackup(stock: number) {
  const { productIds } = await givenShop([[stock]]);
  const [apple = ""] = productIds;
  const { api, headers } = await givenAdmin();
  const { backup } = await saved(api);
  return { apple, api, headers, backup };
}

type Given = Awaited<ReturnType<typeof givenBackup>>;

async function closeForRestore({ headers }: Pick<Given, "headers">): Promise<number> {
  const closed = await post("/ops/selling", { state: "restoring" }, headers);
  expect(closed.status).toBe(200);
  return (await closed.json<{ generation: number }>()).generation;
}

/** A restore is given up while one of its calls is under way, asleep at its nth call of `label`. */
async function givenSleepingCall(
  given: Pick<Given, "headers">,
  [label, nth]: [label: string, nth: number],
  path: string,
  body: (generation: number) => object,
) {
  const generation = await closeForRestore(given);
  const sleeper = new Sleeper(label, nth);
  const sent = send(sleeper, path, body(generation), given.headers);
  await sleeper.asleep;
  return async (): Promise<Answer> => {
    sleeper.wake();
    const answer = await answerOf(sent.answer);
    await Promise.all(sent.deferred);
    return answer;
  };
}

async function runAlarms(productId: string): Promise<void> {
  for (let hours = 0; hours < 5; hours++) {
    testClock.advance(2 * HOUR);
    await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(productId)));
  }
}

async function stockRowsOf({ backup }: Pick<Given, "backup">): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { product: _, ...row } of backup.rows("stock.jsonl")) rows.push(row);
  return rows;
}

describe("a call of a restore that wakes in the open shop, after another restore", () => {
  test("empties no table", async () => {
    const given = await givenBackup(1);
    const { apple, api, backup } = given;
    const wake = await givenSleepingCall(
      given,
      ["D1.batch", 1],
      "/ops/backup/tables/orders",
      (generation) => ({ generation, first: true, rows: [] }),
    );
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    const order = await placed(await post("/orders", basket({ [apple]: 1 })));
    expect(refusal(await wake())).toEqual(SUPERSEDED);
    await runAlarms(apple);
    expect(await rowsOf("orders")).toEqual([{ id: order.id, status: "confirmed" }]);
    expect((await post("/orders", basket({ [apple]: 1 }))).status).toBe(409);
  });

  test("puts no row of its own backup into a table", async () => {
    const given = await givenBackup(1);
    const { apple, api, backup } = given;
    await placed(await post("/orders", basket({ [apple]: 1 })));
    const { backup: other } = await saved(api);
    const rows: unknown[] = [];
    for await (const row of other.rows("tables/orders.jsonl")) rows.push(row);
    const wake = await givenSleepingCall(
      given,
      ["D1.batch", 1],
      "/ops/backup/tables/orders",
      (generation) => ({ generation, first: false, rows }),
    );
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    expect(refusal(await wake())).toEqual(SUPERSEDED);
    expect(await rowsOf("orders")).toEqual([]);
  });

  test("puts no object back", async () => {
    const given = await givenBackup(1);
    const { apple, api, backup } = given;
    const rows = await stockRowsOf(given);
    const path = `/ops/backup/stock/${apple}`;
    const wake = await givenSleepingCall(given, ["Stock.load", 1], path, (generation) => ({
      ...{ generation, first: true, last: true, rows },
    }));
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    await placed(await post("/orders", basket({ [apple]: 1 })));
    expect(refusal(await wake())).toEqual([409, "restore_not_begun"]);
    expect((await post("/orders", basket({ [apple]: 1 }))).status).toBe(409);
  });

  test("empties no object", async () => {
    const given = await givenBackup(1);
    const { apple, api, backup } = given;
    const path = "/ops/backup/empty-stock";
    const wake = await givenSleepingCall(given, ["Stock.empty", 1], path, (generation) => ({
      ...{ generation, product_ids: [apple] },
    }));
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    await placed(await post("/orders", basket({ [apple]: 1 })));
    expect(refusal(await wake())).toEqual(SUPERSEDED);
    expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 1, reserved: 1 });
  });

  test("leaves the lists as they are", async () => {
    const given = await givenBackup(5);
    const { apple, api, backup } = given;
    const path = "/ops/backup/finish";
    const wake = await givenSleepingCall(given, ["D1.batch", 1], path, (generation) => ({ generation }));
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    const { epoch, version, levels } = await stockOf(env, apple).audit([]);
    const told = levels.map(({ store_id, on_hand, reserved, ...level }) => ({
      ...{ storeId: store_id, onHand: on_hand, reserved, version: level.version },
    }));
    await applyReports(testContext(), [{ productId: apple, epoch, version, at: 0, levels: told }]);
    expect(refusal(await wake())).toEqual(SUPERSEDED);
    expect(await env.DB.prepare("SELECT on_hand FROM stock_levels").first("on_hand")).toBe(5);
  });

  test("does not stop it", async () => {
    const given = await givenBackup(5);
    const { api, backup } = given;
    const wake = await givenSleepingCall(given, ["D1.batch", 1], "/ops/selling", (generation) => ({
      ...{ state: "stopped", generation },
    }));
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    expect(refusal(await wake())).toEqual(SUPERSEDED);
    expect(await sellingNow()).toBe("open");
  });
});

test("a call of a restore that came twice, and late the second time, changes nothing in the shop that it has opened", async () => {
  const given = await givenBackup(1);
  const { apple, headers, backup } = given;
  const rows = await stockRowsOf(given);
  const sleepers = [new Sleeper("Stock.empty"), new Sleeper("Stock.load")] as const;
  const bodies = [{ product_ids: [apple] }, { objects: [{ product_id: apple, rows }] }];
  const paths = ["/ops/backup/empty-stock", "/ops/backup/stock"];
  const copies: Promise<Response>[] = [];
  const { api } = await givenAdmin(async (method, path) => {
    const index = paths.indexOf(path);
    const sleeper = sleepers[index];
    if (method !== "POST" || sleeper === undefined) return;
    copies.push(send(sleeper, path, { generation: 1, ...bodies[index] }, headers).answer);
    await sleeper.asleep;
  });
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
  await placed(await post("/orders", basket({ [apple]: 1 })));
  const answers: unknown[] = [];
  for (const [index, sleeper] of sleepers.entries()) {
    sleeper.wake();
    answers.push(refusal(await answerOf(copies[index] ?? Promise.reject())));
  }
  expect(answers).toEqual([SUPERSEDED, [409, "restore_not_begun"]]);
  expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 1, reserved: 1 });
});

describe("the opening of a restore", () => {
  test.each([
    ["in the midst of the next one", "/ops/backup/finish"],
    ["before the next one has reconciled", "/inventory/reconcile"],
  ])("does not open the shop %s", async (_, moment) => {
    const given = await givenBackup(5);
    const { backup, headers, api } = given;
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open" });
    const sleeper = new Sleeper("D1.batch");
    const sent = send(sleeper, "/ops/selling", { state: "open", generation: 1 }, headers);
    await sleeper.asleep;
    const { api: next } = await givenAdmin(async (method, path) => {
      if (method !== "POST" || path !== moment) return;
      sleeper.wake();
      const before = await sellingNow();
      expect(refusal(await answerOf(sent.answer))).toEqual(SUPERSEDED);
      expect(await sellingNow()).toBe(before);
    });
    expect(await restoreShop(next, backup, quiet)).toMatchObject({ kind: "open", open: [] });
  });

  test("by hand must name the restore that is to be given up", async () => {
    const { headers } = await givenBackup(5);
    const generation = await closeForRestore({ headers });
    const open = (more: object) => answerOf(post("/ops/selling", { state: "open", ...more }, headers));
    expect(refusal(await open({}))).toEqual([409, "restore_under_way"]);
    expect(refusal(await open({ state: "restoring" }))).toEqual([409, "restore_under_way"]);
    expect(refusal(await open({ generation: generation - 1 }))).toEqual(SUPERSEDED);
    expect(await sellingNow()).toBe("restoring");
    expect(await open({ generation })).toMatchObject({ status: 200, body: { state: "open", generation } });
  });
});

describe("of two operators who restore at once", () => {
  test("the first opens no shop whose objects the second has emptied", async () => {
    const { apple, backup } = await givenBackup(5);
    const emptied = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const { api: second } = await givenAdmin(async (method, path) => {
      if (method !== "POST" || !path.startsWith("/ops/backup/tables/")) return;
      emptied.resolve();
      await goOn.promise;
    });
    let other: Promise<unknown> = Promise.resolve();
    let selling = 0;
    const { api: first } = await givenAdmin(async (method, path) => {
      if (method !== "POST" || path !== "/ops/selling" || ++selling !== 2) return;
      other = restoreShop(second, backup, quiet);
      await emptied.promise;
    });
    await expect(restoreShop(first, backup, quiet)).rejects.toThrow("restore_superseded");
    expect(await sellingNow()).toBe("restoring");
    goOn.resolve();
    expect(await other).toMatchObject({ kind: "open", open: [] });
    expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 5 });
  });

  test("of two backups, only the second's is restored", async () => {
    const { apple, api: plain, backup: without } = await givenBackup(1);
    await placed(await post("/orders", basket({ [apple]: 1 })));
    const { backup: withOrder } = await saved(plain);
    const { api: first } = await givenAdmin(async (method, path) => {
      if (method !== "POST" || path !== "/ops/backup/tables/order_items") return;
      expect(await restoreShop(plain, without, quiet)).toMatchObject({ kind: "open", open: [] });
    });
    await expect(restoreShop(first, withOrder, quiet)).rejects.toThrow("restore_superseded");
    const items = await env.DB.prepare("SELECT count(*) AS n FROM order_items").first("n");
    expect([await sellingNow(), await rowsOf("orders"), items]).toEqual(["open", [], 0]);
    await placed(await post("/orders", basket({ [apple]: 1 })));
  });

  test("who looked before the other began does not begin", async () => {
    const { api: plain, backup } = await givenBackup(1);
    let begun = false;
    const { api: late } = await givenAdmin(async (method, path) => {
      if (method !== "POST" || path !== "/ops/selling" || begun) return;
      begun = true;
      expect(await restoreShop(plain, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    });
    await expect(restoreShop(late, backup, quiet)).rejects.toThrow("restore_superseded");
    expect(await sellingNow()).toBe("open");
  });
});

test("a restore that an admin has given up half way sells nothing that it has emptied, and another one ends it", async () => {
  const given = await givenBackup(5);
  const { apple, api, headers, backup } = given;
  const { api: dying } = await givenAdmin(async (_, path) => {
    if (path === "/ops/backup/finish") throw new Error("died");
  });
  await expect(restoreShop(dying, backup, quiet)).rejects.toThrow("died");
  expect((await post("/ops/selling", { state: "open", generation: 1 }, headers)).status).toBe(200);
  expect((await post("/orders", basket({ [apple]: 1 }))).status).toBeGreaterThanOrEqual(409);
  expect(await rowsOf("orders")).toEqual([]);
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
  await placed(await post("/orders", basket({ [apple]: 1 })));
});
