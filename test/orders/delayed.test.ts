import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { resolveDelayed } from "../../src/orders/delayed/resolve.ts";
import { Boundary } from "../chaos/boundary.ts";
import { testContext } from "../events/context.ts";
import { owe } from "../events/rows.ts";
import { givenOrder } from "../notifications/orders.ts";
import { goTo, HOUR, MINUTE, notices } from "../ops/jobs/shop-hours.ts";
import { testClock } from "../support/clock.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { planOf } from "../support/watched-db.ts";
import { countOf, read } from "./ask.ts";

const { settings } = testContext();
const under = (FULFILMENT: "simulated" | "manual", more: Partial<typeof settings> = {}) =>
  testContext({ settings: { ...settings, FULFILMENT, ...more } });
const simulated = under("simulated");

let staff: SignedIn;
beforeEach(async () => {
  goTo("2027-03-20T10:00:00Z");
  staff = await signIn("staff");
});

const listed = async (query = "") => {
  const { body } = await read(`/orders/delayed${query}`, staff.headers);
  return body.results.map((order: { id: string }) => order.id);
};

async function stepsOwed(): Promise<unknown[]> {
  const { results } = await env.DB.prepare(
    "SELECT payload FROM work WHERE task = 'fulfilment-step' AND state = 'owed'",
  ).all<{ payload: string }>();
  return results.map(({ payload }) => JSON.parse(payload));
}

/** What the handler of a step does with it, as far as it matters here: nothing comes of it. */
const loseSteps = () => env.DB.prepare("UPDATE work SET state = 'dead' WHERE task = 'fulfilment-step'").run();

async function eventsOf(orderId: string): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT type FROM events WHERE object_id = ?1 ORDER BY seq")
    .bind(orderId)
    .all<{ type: string }>();
  return results.map(({ type }) => type);
}

const orderRow = (id: string) =>
  env.DB.prepare("SELECT version, delayed_at, delayed_retries FROM orders WHERE id = ?1").bind(id).first();

describe("the list of delayed orders", () => {
  test("has what is longer than the setting in a step that is worked on, the longest first", async () => {
    for (const status of ["shipped", "processing", "confirmed", "pending", "delivered", "cancelled"]) {
      await givenOrder({ id: `ord_${status}`, status });
      testClock.advance(1_000);
    }
    testClock.advance(HOUR - 6_000);
    expect(await listed()).toEqual([]);
    testClock.advance(1);
    expect(await listed()).toEqual(["ord_shipped"]);
    testClock.advance(HOUR);
    expect(await listed()).toEqual(["ord_shipped", "ord_processing", "ord_confirmed"]);
    const { body } = await read("/orders/delayed?page_size=2", staff.headers);
    expect(body).toMatchObject({ count: 3, has_next: true });
    expect(body.results[0]).toMatchObject({
      status: "shipped",
      status_at: "2027-03-20T10:00:00.000Z",
      delayed_at: null,
      delayed_retries: 0,
      totals: { total: { amount: "40.48", currency: "USD" } },
    });
    expect(await listed(`?page_size=2&cursor=${body.next_cursor}`)).toEqual(["ord_confirmed"]);
  });

  test("takes `delayed` for no order's name", async () => {
    expect((await read("/orders/delayed", staff.headers)).body).toMatchObject({ count: 0, results: [] });
    expect((await read("/orders/delayed?page=0", staff.headers)).status).toBe(400);
  });

  test("is found by its index, as is what is lost", async () => {
    const seen: string[] = [];
    const DB = {
      prepare: (sql: string) => {
        seen.push(sql);
        return env.DB.prepare(sql);
      },
      batch: (all: D1PreparedStatement[]) => env.DB.batch(all),
    } as unknown as D1Database;
    await resolveDelayed({ ...simulated, env: { ...env, DB } });
    const plan = (await planOf(seen[0] ?? "")).filter((step) => /\bo\b/.test(step));
    expect(plan).toEqual([
      "SEARCH o USING INDEX orders_in_work (status_at<?)",
      "SEARCH o USING INDEX orders_rounds (delayed_retries=? AND delayed_at>? AND delayed_at<?)",
    ]);
  });
});

describe("a delayed order", () => {
  test("is marked once, sent its step three times, an hour apart, and then put before a person once", async () => {
    await givenOrder({ status: "processing" });
    testClock.advance(HOUR);
    expect(await resolveDelayed(simulated)).toBe(null);
    testClock.advance(1);
    const marked = testClock.now();
    for (let round = 1; round <= 3; round++) {
      expect(await resolveDelayed(simulated)).toMatch(/sent 1 again, put 0/);
      expect(await resolveDelayed(simulated)).toBe(null);
      expect(await stepsOwed()).toEqual([{ order_id: "ord_1", from: "processing", to: "shipped" }]);
      expect(await orderRow("ord_1")).toEqual({ version: 1, delayed_at: marked, delayed_retries: round });
      expect(await eventsOf("ord_1")).toEqual(["order.delayed"]);
      await loseSteps();
      testClock.advance(HOUR - 1);
      expect(await resolveDelayed(simulated)).toBe(null);
      testClock.advance(1);
    }
    expect(await notices()).toEqual([]);
    expect(await resolveDelayed(simulated)).toBe("marked 0, sent 0 again, put 1 before a person");
    expect(await eventsOf("ord_1")).toEqual(["order.delayed", "order.needs_attention"]);
    const lines = ["ORD-ord_1 is processing since 2027-03-20T10:00:00Z"];
    expect(await notices()).toEqual([{ subject: "An order needs your attention", lines }]);

    testClock.advance(100 * HOUR);
    expect(await resolveDelayed(simulated)).toBe(null);
    expect(await notices()).toHaveLength(1);
    expect(await listed()).toEqual(["ord_1"]);
  });

  test("whose step is still owed is not sent another", async () => {
    await givenOrder();
    await owe({ id: "wrk_step", task: "fulfilment-step", object_id: "ord_1", not_before: testClock.now() });
    testClock.advance(HOUR + 1);
    expect(await resolveDelayed(simulated)).toBe("marked 1, sent 0 again, put 0 before a person");
    expect(await countOf("work")).toBe(1);
  });

  test("by many hands at once is taken by one of them", async () => {
    for (const id of ["ord_1", "ord_2", "ord_3"]) await givenOrder({ id });
    testClock.advance(HOUR + 1);
    await Promise.all(Array.from({ length: 6 }, () => resolveDelayed(simulated)));
    expect(await stepsOwed()).toHaveLength(3);
    for (const id of ["ord_1", "ord_2", "ord_3"]) {
      expect(await eventsOf(id)).toEqual(["order.delayed"]);
      expect(await orderRow(id)).toMatchObject({ delayed_retries: 1 });
    }
    const impatient = under("simulated", { DELAYED_RETRIES: 1 });
    await loseSteps();
    testClock.advance(HOUR);
    await Promise.all(Array.from({ length: 6 }, () => resolveDelayed(impatient)));
    const mails = await notices();
    expect(mails.flatMap(({ lines }) => lines)).toHaveLength(3);
    expect(await countOf("events")).toBe(6);
  });

  test("that went on meanwhile is left alone", async () => {
    await givenOrder();
    testClock.advance(HOUR + 1);
    const boundary = new Boundary();
    const watched = boundary.watch(env);
    const DB = {
      prepare: (sql: string) => watched.DB.prepare(sql),
      batch: async (all: D1PreparedStatement[]) => {
        await env.DB.prepare("UPDATE orders SET status = 'processing', version = 2, status_at = ?1")
          .bind(testClock.now())
          .run();
        return env.DB.batch(all);
      },
    } as unknown as D1Database;
    expect(await resolveDelayed({ ...simulated, env: { ...env, DB } })).toBe(null);
    expect(await orderRow("ord_1")).toEqual({ version: 2, delayed_at: null, delayed_retries: 0 });
    expect([await countOf("events"), await countOf("work")]).toEqual([0, 0]);
  });

  test("of manual fulfilment has no step to send: the same rounds pass, and then a person is told", async () => {
    const manual = under("manual", { DELAYED_RETRIES: 1 });
    await givenOrder();
    testClock.advance(HOUR + 1);
    expect(await resolveDelayed(manual)).toBe("marked 1, sent 0 again, put 0 before a person");
    testClock.advance(HOUR);
    expect(await resolveDelayed(manual)).toBe("marked 0, sent 0 again, put 1 before a person");
    expect(await stepsOwed()).toEqual([]);
    expect(await notices()).toHaveLength(1);
  });

  test("without retries goes to a person at once; without ADMIN_EMAIL only the event tells", async () => {
    const { ADMIN_EMAIL: _, ...nobody } = settings;
    await givenOrder();
    testClock.advance(HOUR + 1);
    const context = testContext({ settings: { ...nobody, FULFILMENT: "simulated", DELAYED_RETRIES: 0 } });
    expect(await resolveDelayed(context)).toBe("marked 1, sent 0 again, put 1 before a person");
    expect(await eventsOf("ord_1")).toEqual(["order.delayed", "order.needs_attention"]);
    expect(await countOf("work")).toBe(0);
  });

  test("is one of many: a backlog is worked off, and its people get few letters", async () => {
    const eager = under("simulated", { DELAYED_RETRIES: 0 });
    await givenOrder();
    await env.DB.prepare(
      `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer, customer_email, currency,
         subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at, created_at, updated_at)
       SELECT 'ord_' || value, 'ORD-' || value, claim_id, status, payment_status, payment_method, priority, customer, customer_email, currency,
         subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at, created_at, updated_at
       FROM orders, json_each(?1)`,
    )
      .bind(JSON.stringify(Array.from({ length: 249 }, (_, index) => 1000 + index)))
      .run();
    testClock.advance(HOUR + MINUTE);
    expect(await resolveDelayed(eager)).toBe("marked 250, sent 0 again, put 250 before a person");
    expect((await notices()).map(({ subject }) => subject).sort()).toEqual([
      "200 orders need your attention",
      "50 orders need your attention",
    ]);
  });
});
