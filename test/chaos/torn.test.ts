import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { restoreShop } from "../../src/cli/restore-shop.ts";
import { addDeathNotices } from "../../src/events/dead-tasks.ts";
import { runTasks, type TaskHandlers } from "../../src/events/run-tasks.ts";
import { stockOf } from "../../src/inventory/client.ts";
import type { DumpPage } from "../../src/inventory/stock-types.ts";
import { finishTables } from "../../src/ops/backup/dump-table.ts";
import { reconcileFrom } from "../../src/ops/reconcile/reconcile.ts";
import { setSelling } from "../../src/ops/selling/selling.ts";
import { sendRestock } from "../../src/orders/fulfilment/restock.ts";
import { expireUnpaid } from "../../src/orders/steps/expire.ts";
import { receiveEvent } from "../../src/payments/receive-event.ts";
import { setAsideDead } from "../../src/payments/set-aside.ts";
import { settlePaymentEvent } from "../../src/payments/tasks.ts";
import { forgetOldKeys } from "../../src/platform/idempotency-keys.ts";
import { run, sql } from "../../src/platform/sql.ts";
import { testContext } from "../events/context.ts";
import { owe } from "../events/rows.ts";
import { pageOf } from "../inventory/dumped.ts";
import { closeForRestore } from "../ops/restore/close.ts";
import { cardOrder, tellStandard } from "../payments/tell.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { Boundary } from "./boundary.ts";
import { givenAdmin, quiet, saved } from "./shop-backup.ts";
import { send } from "./stage.ts";

/** What a backup reads at different moments, and what waits, refuses and repeats around it. */

const KEY = { "Idempotency-Key": "a-guest-key-of-this-test" };
const HOUR = 3_600_000;
const MINUTE = 60_000;

const living = async (): Promise<{ id: string }[]> => {
  const { results } = await env.DB.prepare(
    "SELECT id FROM orders WHERE status NOT IN ('rejected', 'cancelled', 'expired')",
  ).all<{ id: string }>();
  return results;
};

const handlers = { "payment-event": settlePaymentEvent } as unknown as TaskHandlers;

/** Works off the payment events that are due. Returns how many there were. */
async function settleDue(): Promise<number> {
  const { results } = await env.DB.prepare(
    "SELECT id FROM work WHERE task = 'payment-event' AND state = 'owed'",
  ).all<{ id: string }>();
  await runTasks(
    testContext(),
    handlers,
    results.map(({ id }) => id),
  );
  return results.length;
}

test.each(["before", "after"])(
  "a key that was put down %s its table was read by a backup repeats its order after a restore",
  async (when) => {
    const { productIds } = await givenShop([[5]]);
    const [apple = ""] = productIds;
    const order = basket({ [apple]: 1 });
    const stalled = new Boundary({ at: 2, ending: "stalls" });
    let sent: ReturnType<typeof send> | null = null;
    let done = false;
    const { api } = await givenAdmin(async (_method, path) => {
      if (path === "/ops/backup/tables/idempotency" && when === "before" && !sent) {
        sent = send(stalled, "/orders", order, KEY);
        await stalled.reached;
      }
      if (path !== "/ops/backup/tables/orders" || done) return;
      done = true;
      stalled.wake();
      const first = sent ? await sent.answer : await post("/orders", order, KEY);
      expect(first.status).toBe(201);
    });
    const { backup } = await saved(api);
    const before = await post("/orders", order, KEY);
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    const again = await post("/orders", order, KEY);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
    expect(await again.text()).toBe(await before.text());
    expect(await living()).toHaveLength(1);
  },
);

test.each([
  ["of an order", null, "canceled", "expired"],
  ["of no order", "ORD-NOBODY", "succeeded", "expired"],
] as const)(
  "a payment event %s that is worked off between two tables of a backup is worked off again",
  async (_name, reference, kind, status) => {
    const { productIds } = await givenShop([[1]]);
    const [apple = ""] = productIds;
    const order = await cardOrder(apple);
    const event = {
      ...{ provider: "stripe", eventId: "evt_1", reference: reference ?? order.reference, kind },
      ...{ amount: 1999, currency: "USD", providerId: "pi_x", refundId: null },
    };
    await receiveEvent(testContext(), event as never);
    if (reference !== null)
      await env.DB.prepare("UPDATE work SET attempts = 7 WHERE task = 'payment-event'").run();
    const { api } = await givenAdmin(async (_method, path) => {
      if (path === "/ops/backup/tables/work") await settleDue();
    });
    const { backup } = await saved(api);
    expect((await restoreShop(api, backup, quiet)).kind).toBe("open");
    const restored = testContext({ generation: 1 });
    for (let days = 0; days < 9; days++) {
      testClock.advance(24 * HOUR);
      await settleDue();
      await setAsideDead(restored);
      await expireUnpaid(restored);
      await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(apple)));
    }
    expect(await env.DB.prepare("SELECT status, events_owed FROM orders").first()).toEqual({
      status,
      events_owed: 0,
    });
    expect(await env.DB.prepare("SELECT state FROM payment_events").first("state")).not.toBe("owed");
    expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 1, reserved: 0 });
  },
);

test("what an earlier restore had worked off again is worked off once more after the next", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const order = await cardOrder(apple);
  const event = {
    ...{ provider: "stripe", eventId: "evt_1", reference: order.reference, kind: "canceled" },
    ...{ amount: 1999, currency: "USD", providerId: "pi_x", refundId: null },
  };
  await receiveEvent(testContext(), event as never);
  let generation = 0;
  const { api } = await givenAdmin(async (method, path) => {
    if (method === "GET" && path === "/ops/backup/tables/work") expect(await settleDue()).toBe(1);
  });
  for (; generation < 2; generation++) {
    const { backup } = await saved(api);
    expect((await restoreShop(api, backup, quiet)).kind).toBe("open");
  }
  const context = testContext({ generation });
  testClock.advance(24 * HOUR);
  expect(await settleDue()).toBe(1);
  await expireUnpaid(context);
  expect(await env.DB.prepare("SELECT status, events_owed FROM orders").first()).toEqual({
    status: "expired",
    events_owed: 0,
  });
});

test("what a task failed with is restored, whatever its text is", async () => {
  await givenShop([[1]]);
  const { api } = await givenAdmin();
  await owe({ id: "wrk_a", task: "refund" }, { id: "wrk_b", task: "refund" });
  const error = `a \0 and half of a pair \ud83d`;
  const failing = { refund: async () => ({ kind: "failed" as const, error }) };
  await runTasks(testContext(), failing as Partial<TaskHandlers> as TaskHandlers, ["wrk_a"]);
  // As a version before this one stored it.
  await env.DB.prepare("UPDATE work SET error = ?1 WHERE id = 'wrk_b'").bind("a \0 of old").run();
  const { backup } = await saved(api);
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open" });
  const { results } = await env.DB.prepare("SELECT error FROM work ORDER BY id").all();
  expect(results).toEqual([{ error: "a \ufffd and half of a pair \ufffd" }, { error: "a \0 of old" }]);
});

test("a key whose claim was decided, but whose answer a backup lacks, is answered from the order", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const lose = () => env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
  const order = await placed(await post("/orders", basket({ [apple]: 1 }), KEY));
  await lose();
  const [again, once] = [
    await post("/orders", basket({ [apple]: 1 }), KEY),
    post("/orders", basket({ [apple]: 1 }), KEY),
  ];
  const { access_token: _, ...shown } = order;
  expect([again.status, await again.clone().json()]).toEqual([201, shown]);
  expect(await (await once).text()).toBe(await again.text());

  const other = { "Idempotency-Key": "another-guest-key-of-this-test" };
  const short = await post("/orders", basket({ [apple]: 3 }), other);
  await lose();
  const shortAgain = await post("/orders", basket({ [apple]: 3 }), other);
  expect([short.status, shortAgain.status]).toEqual([409, 409]);
  expect((await shortAgain.json<{ errors: object[] }>()).errors).toEqual(
    (await short.json<{ errors: object[] }>()).errors,
  );
  expect(await living()).toHaveLength(1);
});

test("an event that was set aside keeps no order from expiring after a restore", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const order = await cardOrder(apple);
  await tellStandard({ event_id: "evt_1", reference: order.reference, status: "success", amount: 1 });
  const now = testClock.now();
  await env.DB.prepare("UPDATE work SET state = 'dead', finished_at = ?1 WHERE task = 'payment-event'")
    .bind(now)
    .run();
  testClock.advance(31 * MINUTE);
  expect(await setAsideDead(testContext())).toBe(1);
  const generation = await closeForRestore();
  await finishTables(testContext(), generation);
  await setSelling(testContext(), "open", generation);
  testClock.advance(HOUR);
  await setAsideDead(testContext({ generation }));
  await expireUnpaid(testContext({ generation }));
  expect(await env.DB.prepare("SELECT status, events_owed FROM orders").first()).toEqual({
    status: "expired",
    events_owed: 0,
  });
});

test("a late payment waits through a night of a stopped shop, and is settled in the morning", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const order = await cardOrder(apple);
  testClock.advance(31 * MINUTE);
  await expireUnpaid(testContext());
  await env.DB.prepare("INSERT INTO shop_state (key, value, since) VALUES ('selling', 'stopped', 0)").run();
  await tellStandard({ event_id: "evt_1", reference: order.reference, status: "success", amount: 1999 });
  for (let minutes = 0; minutes < 9 * 60; minutes++) {
    testClock.advance(MINUTE);
    expect(await settleDue()).toBe(1);
  }
  const task = "SELECT state, attempts, error FROM work WHERE task = 'payment-event'";
  expect(await env.DB.prepare(task).first()).toMatchObject({ state: "owed", attempts: 0 });
  await env.DB.prepare("DELETE FROM shop_state").run();
  testClock.advance(MINUTE);
  await settleDue();
  expect(await env.DB.prepare("SELECT status, payment_status FROM orders").first()).toEqual({
    status: "confirmed",
    payment_status: "paid",
  });
});

test("an admin is told once of each death of a task on which stock or money hangs", async () => {
  const now = testClock.now();
  const kill = (id: string, task: string) =>
    env.DB.prepare(
      `INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, error, finished_at, created_at)
       VALUES (?1, ?2, 'ord_1', '{}', 'dead', 0, 8, 'no', ?3, 0)`,
    )
      .bind(id, task, now)
      .run();
  await kill("wrk_1", "refund");
  await kill("wrk_2", "fulfilment-step");
  await kill("wrk_3", "of-another-version");
  const tell = () => run(env.DB, addDeathNotices(testContext()) ?? sql`SELECT 1`);
  expect([await tell(), await tell()]).toEqual([2, 0]);
  // It is retried, and dies again.
  await env.DB.prepare("UPDATE work SET finished_at = finished_at + 1 WHERE id = 'wrk_1'").run();
  expect(await tell()).toBe(1);
  const { results } = await env.DB.prepare("SELECT payload FROM work WHERE task = 'email' ORDER BY id").all();
  expect(results.map(({ payload }) => JSON.parse(payload as string).task_id)).toEqual([
    "wrk_1",
    "wrk_1",
    "wrk_3",
  ]);
});

test("a return that met a full shelf is put there when there is room", async () => {
  const { productIds, storeIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const [store_id = ""] = storeIds;
  const fill = (operation: string, quantity: number) =>
    stockOf(env, apple).adjust(apple, {
      ...{
        operation,
        storeId: store_id,
        type: "set" as const,
        quantity,
        reason: "r",
        reference: null,
        actor: "t",
      },
    });
  await fill("op1", 1_000_000_000);
  const items = [{ product_id: apple, quantity: 1 }];
  const restock = { return_id: "ret_1", reference: "ORD-1", store_id, reason: "x", actor: "y", items };
  expect(await sendRestock(testContext(), restock)).toBe(`${apple}: too_many`);
  await fill("op2", 10);
  expect([await sendRestock(testContext(), restock), await sendRestock(testContext(), restock)]).toEqual([
    null,
    null,
  ]);
  expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 11 });
});

test("a keyed checkout that was answered is answered the same, whatever becomes of its cart", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const cart = await (await post("/carts")).json<{ id: string; token: string }>();
  const token = { "X-Cart-Token": cart.token };
  const put = (quantity: number) =>
    exports.default.fetch(`http://shop.test/api/v1/carts/${cart.id}/items/${apple}`, {
      method: "PUT",
      headers: { "content-type": "application/json", ...token },
      body: JSON.stringify({ quantity }),
    });
  expect((await put(1)).status).toBe(200);
  const customer = { name: "Ada", email: "ada@shop.example" };
  const checkout = async (payment_method = "invoice") => {
    const answer = await post(
      `/carts/${cart.id}/checkout`,
      { customer, payment_method },
      { ...token, ...KEY },
    );
    return { status: answer.status, text: await answer.text() };
  };
  const first = await checkout();
  expect(first.status).toBe(201);
  const order = JSON.parse(first.text);
  const owner = { "X-Order-Token": order.access_token };
  expect((await post(`/orders/${order.id}/cancel`, {}, owner)).status).toBe(200);
  expect((await put(2)).status).toBe(200);
  expect(await checkout()).toEqual(first);
  expect((await checkout("card")).status).toBe(422);
});

test("a bulk's keys are forgotten together: none of its drafts is placed twice", async () => {
  const { productIds } = await givenShop([[5], [5]]);
  const [apple = "", pear = ""] = productIds;
  const orders = [basket({ [apple]: 1 }), basket({ [pear]: 1 }, { expected_total: "1.00" })];
  const send = async () =>
    (await post("/orders/bulk", { orders }, KEY)).json<{
      results: { status: string; order?: { id: string } }[];
    }>();
  const [first] = (await send()).results;
  testClock.advance(23 * HOUR);
  await forgetOldKeys(testContext());
  await env.DB.prepare("UPDATE products SET price = 100 WHERE id = ?1").bind(pear).run();
  expect((await send()).results.map(({ status }) => status)).toEqual(["created", "created"]);
  testClock.advance(65 * MINUTE);
  await forgetOldKeys(testContext());
  const [again] = (await send()).results;
  expect([again?.order?.id, (await living()).length]).toEqual([first?.order?.id, 2]);
});

test("an object with more operations than a message holds is read page by page, and restored with all of them", {
  timeout: 120_000,
}, async () => {
  const { productIds, storeIds } = await givenShop([[100]]);
  const [apple = ""] = productIds;
  const MANY = 60_000;
  await runInDurableObject(env.STOCK.get(env.STOCK.idFromName(apple)), async (_object, state) => {
    state.storage.sql.exec(
      `INSERT INTO operations (id, fingerprint, outcome)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MANY})
       SELECT 'op' || i, printf('%0250d', i), json_object('kind', 'too_many', 'on_hand', 1, 'limit', printf('%0400d', i)) FROM n`,
    );
  });
  const stock = stockOf(env, apple);
  const command = {
    storeId: storeIds[0] ?? "",
    type: "add" as const,
    quantity: 1,
    reason: "r",
    reference: null,
    actor: "t",
  };
  const operations = new Set<unknown>();
  let next: string | null = null;
  do {
    const page: DumpPage = pageOf(await stock.dump(next));
    // What is done meanwhile comes with its line, wherever its id stands: a repeat after the restore must not do it again.
    if (next === null)
      for (const operation of ["aa", "zz"]) await stock.adjust(apple, { ...command, operation });
    for (const { table, row } of page.rows) if (table === "operations") operations.add(row.id);
    expect(page.rows.length).toBeLessThanOrEqual(2_000);
    next = page.next;
  } while (next !== null);
  expect(operations.size).toBe(MANY + 2);
});

test("a product with more drift than a row holds is named with its first hundred, and holds up no other", {
  timeout: 120_000,
}, async () => {
  const { productIds, storeIds } = await givenShop([[0], [1]]);
  const [apple = "", pear = ""] = productIds;
  const MANY = 9_000;
  const rows = JSON.stringify(
    Array.from({ length: MANY }, (_, i) => `01jd0000000000000000${String(i).padStart(6, "0")}`),
  );
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO claims (id, fate, order_id, stamp, decided_at)
       SELECT 'clm_' || value, 'placed', 'ord_' || value, 's', 0 FROM json_each(?1)`,
    ).bind(rows),
    env.DB.prepare(
      `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer,
         customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at, sold_at,
         created_at, updated_at)
       SELECT 'ord_' || value, value, 'clm_' || value, 'confirmed', 'none', 'invoice', 'normal', '{}', 'a', 'USD', 1, 0, 0,
         0, 1, 1, 1, 's', 0, 0, 0, 0 FROM json_each(?1)`,
    ).bind(rows),
    env.DB.prepare(
      `INSERT INTO order_items (order_id, product_id, line, sku, title, quantity, unit_price, allocations)
       SELECT 'ord_' || value, ?2, 0, 's', 't', 1, 1,
         json_array(json_object('store_id', ?3, 'quantity', 1, 'shipped', 0)) FROM json_each(?1)`,
    ).bind(rows, apple, storeIds[0]),
  ]);
  const found = await reconcileFrom(testContext(), "", { repair: true, operation: "reconcile-x" });
  expect(found).toMatchObject({ checked: 2, drifts: MANY, repaired: 0, next: null });
  expect(found.drift.map(({ product_id }) => product_id)).toEqual(Array.from({ length: 100 }, () => apple));
  const event = await env.DB.prepare("SELECT data FROM events WHERE type = 'stock.drift'").first<{
    data: string;
  }>();
  expect(JSON.parse(event?.data ?? "{}")).toMatchObject({ drifts: MANY, drift: { length: 100 } });
  expect(await stockOf(env, pear).levels()).toMatchObject({ on_hand: 1 });
});
