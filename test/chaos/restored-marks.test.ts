import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { updateProduct } from "../../src/catalog/products/update.ts";
import type { Api } from "../../src/cli/api.ts";
import { type BackupReader, restoreShop } from "../../src/cli/restore-shop.ts";
import { runTasks, type Task, type TaskHandlers } from "../../src/events/run-tasks.ts";
import { stockOf } from "../../src/inventory/client.ts";
import { writeReports } from "../../src/ops/jobs/run.ts";
import { restockReturn } from "../../src/orders/fulfilment/tasks.ts";
import { renewKeys } from "../../src/orders/place/renew-keys.ts";
import { expireUnpaid } from "../../src/orders/steps/expire.ts";
import { setAsideDead } from "../../src/payments/set-aside.ts";
import { settlePaymentEvent } from "../../src/payments/tasks.ts";
import type { Context } from "../../src/platform/context.ts";
import { testContext } from "../events/context.ts";
import { cardOrder, tellStandard } from "../payments/tell.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { givenAdmin, quiet, saved } from "./shop-backup.ts";
import { Sleepers } from "./sleeper.ts";
import { send } from "./stage.ts";

/**
 * Marks that a worker of another history makes outside a commit: on tasks, keys and runs that a restore has brought back
 * under the same ids. It did its work in that other history, so here the work is still to be done.
 */

const HOUR = 3_600_000;
const LONG_MS = 600_000;

const handlers = {
  restock: restockReturn,
  "payment-event": settlePaymentEvent,
} as Partial<TaskHandlers> as TaskHandlers;

const work = async (task: string): Promise<void> => {
  const { results } = await env.DB.prepare("SELECT id FROM work WHERE task = ?1")
    .bind(task)
    .all<{ id: string }>();
  await runTasks(
    testContext(),
    handlers,
    results.map(({ id }) => id),
  );
};

const restore = async (api: Api, backup: BackupReader): Promise<void> =>
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });

const onHand = async (productId: string): Promise<number> => (await stockOf(env, productId).levels()).on_hand;

/** Three units, of which one was shipped, and a return of it, whose request stalls at the calls that the plan names. */
async function givenReturn(plan: Record<string, number>) {
  const { productIds, storeIds } = await givenShop([[3]]);
  const [apple = ""] = productIds;
  const { api, headers } = await givenAdmin();
  const order = await placed(await post("/orders", basket({ [apple]: 1 })));
  expect((await post(`/orders/${order.id}/shipments`, {}, headers)).status).toBe(201);
  const items = [{ product_id: apple, quantity: 1, restock: true }];
  const body = { items, store_id: storeIds[0], reason: "r" };
  const sleeper = new Sleepers(plan);
  const sent = send(sleeper, `/orders/${order.id}/returns`, body, headers);
  await sleeper.at("Stock.adjust").asleep;
  return { apple, api, sleeper, sent };
}

/** Works a task off while a backup is made, and stalls before it marks the task as done. */
async function workedInTheBackup(api: Api, task: "restock" | "payment-event") {
  const id = await env.DB.prepare("SELECT id FROM work WHERE task = ?1").bind(task).first<string>("id");
  const sleeper = new Sleepers({ "D1.run": 1 });
  const made = Promise.withResolvers<BackupReader>();
  const during: Partial<TaskHandlers> = {
    [task]: async (context: Context, one: Task) => {
      made.resolve((await saved(api)).backup);
      return handlers[task](context, one);
    },
  };
  const context = testContext({ env: sleeper.watch(env) });
  const worked = runTasks(context, during as TaskHandlers, [id ?? ""], LONG_MS);
  await sleeper.at("D1.run").asleep;
  return { backup: await made.promise, sleeper, worked };
}

test("a lease of another history marks no task of the restored one: a return's unit is put back", async () => {
  const { apple, api } = await givenReturn({ "Stock.adjust": 1 });
  const { backup, sleeper, worked } = await workedInTheBackup(api, "restock");
  expect(await onHand(apple)).toBe(3);
  await restore(api, backup);
  expect(await onHand(apple)).toBe(2);
  sleeper.at("D1.run").wake();
  await worked;
  testClock.advance(HOUR);
  await work("restock");
  expect([
    await env.DB.prepare("SELECT state FROM work WHERE task = 'restock'").first("state"),
    await onHand(apple),
  ]).toEqual(["done", 3]);
});

test("a lease of another history marks no payment event's task of the restored one: the order is paid", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const { api } = await givenAdmin();
  const order = await cardOrder(apple);
  await tellStandard({ event_id: "evt_1", reference: order.reference, status: "success", amount: 1999 });
  const { backup, sleeper, worked } = await workedInTheBackup(api, "payment-event");
  await restore(api, backup);
  sleeper.at("D1.run").wake();
  await worked;
  const context = testContext({ generation: 1 });
  for (let days = 0; days < 9; days++) {
    testClock.advance(24 * HOUR);
    await work("payment-event");
    await setAsideDead(context);
    await expireUnpaid(context);
    await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(apple)));
  }
  expect(await env.DB.prepare("SELECT status, events_owed FROM orders").first()).toEqual({
    status: "confirmed",
    events_owed: 0,
  });
});

test("who put a return's unit back in another history marks no task of the restored one as done", async () => {
  const { apple, api, sleeper, sent } = await givenReturn({ "Stock.adjust": 1, "D1.run": 1 });
  const { backup } = await saved(api);
  sleeper.at("Stock.adjust").wake();
  expect((await sent.answer).status).toBe(201);
  await sleeper.at("D1.run").asleep;
  await restore(api, backup);
  sleeper.at("D1.run").wake();
  await Promise.all(sent.deferred);
  testClock.advance(HOUR);
  await work("restock");
  expect(await onHand(apple)).toBe(3);
});

test("an adjustment of another history answers no key of the restored one, and its client is told to come again", async () => {
  const { productIds, storeIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const { api, headers } = await givenAdmin();
  const key = { ...headers, "Idempotency-Key": "received-ten" };
  const body = { store_id: storeIds[0], type: "receive", quantity: 10, reason: "delivery 7" };
  const sleeper = new Sleepers({ "Stock.adjust": 1, "D1.batch": 4 });
  const sent = send(sleeper, `/inventory/${apple}/adjust`, body, key);
  await sleeper.at("Stock.adjust").asleep;
  const { backup } = await saved(api);
  sleeper.at("Stock.adjust").wake();
  await sleeper.at("D1.batch").asleep;
  await restore(api, backup);
  sleeper.at("D1.batch").wake();
  const answer = await sent.answer;
  expect([answer.status, (await answer.json<{ code: string }>()).code]).toEqual([503, "restoring"]);
  await Promise.all(sent.deferred);
  expect((await post(`/inventory/${apple}/adjust`, body, key)).status).toBe(201);
  expect(await onHand(apple)).toBe(11);
});

test("a claim that let go everywhere in another history does not make its key start afresh", async () => {
  const now = testClock.now();
  await env.DB.prepare(
    "INSERT INTO idempotency (scope, key, fingerprint, operation, created_at) VALUES ('public', 'k', 'f', 'op1', ?1)",
  )
    .bind(now)
    .run();
  await env.DB.prepare("INSERT INTO shop_state (key, value, since) VALUES ('generation', '1', ?1)")
    .bind(now)
    .run();
  const spent = [{ key: { scope: "public", key: "k", fingerprint: "f" }, abandoned: "op1" }];
  expect(await renewKeys(testContext({ generation: 0 }), spent, false)).toEqual(["op1"]);
  expect(await renewKeys(testContext({ generation: 1 }), spent, false)).not.toEqual(["op1"]);
});

test("the end of a run of another history leaves the restored run to be made up for", async () => {
  await env.DB.batch([
    env.DB.prepare("INSERT INTO shop_state (key, value, since) VALUES ('generation', '1', 0)"),
    env.DB.prepare(
      "INSERT INTO job_runs (id, name, scheduled_for, started_at, outcome) VALUES ('run_1', 'clean-up', 1, 1, 'running')",
    ),
  ]);
  const end = {
    id: "run_1",
    name: "clean-up",
    startedAt: 1,
    finishedAt: 2,
    outcome: "done" as const,
    detail: "x",
  };
  const outcome = () => env.DB.prepare("SELECT outcome FROM job_runs").first("outcome");
  await writeReports(testContext({ generation: 0 }), [end]);
  expect(await outcome()).toBe("running");
  await writeReports(testContext({ generation: 1 }), [end]);
  expect(await outcome()).toBe("done");
});

test("a change that was made of a product in another history is not written over the restored one", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const rename = (generation: number) =>
    updateProduct(testContext({ generation }), apple, null, { title: "Late" });
  await env.DB.prepare("INSERT INTO shop_state (key, value, since) VALUES ('generation', '1', 0)").run();
  expect(await rename(0).catch(() => "refused")).toBe("refused");
  expect(await rename(1)).toMatchObject({ kind: "updated" });
});
