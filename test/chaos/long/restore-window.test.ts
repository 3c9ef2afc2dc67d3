import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  runDurableObjectAlarm,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import type { LostWindow } from "../../../src/cli/lost-window.ts";
import { DRAIN_MS, restoreShop } from "../../../src/cli/restore-shop.ts";
import { LEASE_MS, leaseTasks } from "../../../src/events/take.ts";
import { testContext } from "../../events/context.ts";
import { owe } from "../../events/rows.ts";
import { answerOf } from "../../orders/ask.ts";
import { cardOrder, tellStandard } from "../../payments/tell.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop, placed, post } from "../../support/shop.ts";
import worker from "../../support/worker.ts";
import { brokenInvariants } from "../invariants.ts";
import { brokenMoney } from "../money.ts";
import { givenAdmin, quiet, saved } from "../shop-backup.ts";
import { sweep } from "../stage.ts";

const RINGS = { PAYMENTS_QUEUE: env.PAYMENTS_QUEUE };

const success = ({ reference }: { reference: string }, event_id = "evt_1") => ({
  event_id,
  reference,
  status: "success",
  amount: 1999,
});

/** What must be as the backup has it when the shop opens again. */
async function tablesNow() {
  const names = [
    "orders",
    "order_items",
    "claims",
    "events",
    "work",
    "jobs",
    "job_runs",
    "payments",
    "payment_events",
  ];
  const results = await env.DB.batch(
    names.map((name) => env.DB.prepare(`SELECT * FROM ${name} ORDER BY 1, 2`)),
  );
  return Object.fromEntries(names.map((name, index) => [name, results[index]?.results]));
}

async function wakeUp(ids: string[]): Promise<void> {
  const messages = ids.map((id) => ({ id, timestamp: testClock.now(), attempts: 1, body: { id } }));
  const batch = createMessageBatch("notifications", messages);
  const execution = createExecutionContext();
  await worker.queue(batch, env, execution);
  await getQueueResult(batch, execution);
}

const orderNow = (id: string) =>
  env.DB.prepare("SELECT status, payment_status FROM orders WHERE id = ?1").bind(id).first();

describe("while a restore goes on", () => {
  test("nothing is taken in at any step, and what is told again afterwards counts", async () => {
    const { productIds, storeIds, categoryIds } = await givenShop([[10]]);
    const [apple = ""] = productIds;
    const [order, sold] = [
      await cardOrder(apple),
      await placed(await post("/orders", basket({ [apple]: 2 }))),
    ];
    await owe({
      id: "wrk_mail",
      task: "email",
      payload: { template: "order_confirmation", order_id: sold.id },
    });
    await sweep();
    await vi.waitFor(async () =>
      expect(await env.DB.prepare("SELECT 1 FROM work WHERE state = 'owed'").first()).toBeNull(),
    );
    await owe({
      id: "wrk_owed",
      task: "email",
      payload: { template: "order_confirmation", order_id: sold.id },
    });

    const seen: [string, ...[number, string][]][] = [];
    let closed = false;
    const { api, headers } = await givenAdmin(async (method, path) => {
      if (path === "/inventory/reconcile") {
        closed = false;
        atLast ??= await tablesNow();
      }
      if (closed) seen.push([`${method} ${path}`, ...(await everythingElse())]);
    });
    let atLast: Awaited<ReturnType<typeof tablesNow>> | null = null;
    const adjust = { store_id: storeIds[0], type: "receive", quantity: 1, reason: "r" };
    const everythingElse = async () => {
      await wakeUp(["wrk_owed"]);
      await sweep();
      await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(apple)));
      const token = { "X-Order-Token": sold.access_token ?? "" };
      const answers = [
        await tellStandard(success(order), {}, RINGS),
        await answerOf(post("/orders", basket({ [apple]: 1 }))),
        await answerOf(post(`/orders/${sold.id}/cancel`, {}, token)),
        await answerOf(post(`/orders/${sold.id}/transitions`, { to: "processing" }, headers)),
        await answerOf(post(`/orders/${sold.id}/shipments`, {}, headers)),
        await answerOf(post(`/inventory/${apple}/adjust`, adjust, headers)),
        await answerOf(post("/categories", { name: `New ${categoryIds[0]}` }, headers)),
      ];
      return answers.map(({ status, body }): [number, string] => [status, body?.code]);
    };

    const { backup } = await saved(api);
    const before = await tablesNow();
    const pause = async (milliseconds: number) => {
      await testClock.sleep(milliseconds);
      closed = true;
    };
    expect(await restoreShop(api, backup, { ...quiet, pause })).toMatchObject({ kind: "open", open: [] });

    expect(seen.length).toBeGreaterThan(20);
    for (const [step, ...answers] of seen) {
      expect([step, answers]).toEqual([step, answers.map(() => [503, "restoring"])]);
    }
    // The sweep of a test puts its jobs back by a minute each time.
    const { jobs: _jobs, ...was } = before;
    expect(atLast).toMatchObject(was);

    expect((await tellStandard(success(order), {}, RINGS)).body).toEqual({ received: true });
    await vi.waitFor(async () =>
      expect(await orderNow(order.id)).toEqual({ status: "confirmed", payment_status: "paid" }),
    );
    await wakeUp(["wrk_owed"]);
    const opening = new Map([[apple, 10]]);
    expect([await brokenInvariants(opening, { calm: false }), await brokenMoney({ calm: false })]).toEqual([
      [],
      [],
    ]);
  }, 60_000);

  test("it has waited for the tasks that had begun, and for those that died as long as they could have lived", async () => {
    await givenShop([[1]]);
    const { api } = await givenAdmin(async (method, path) => {
      calls.push(`${method} ${path}`);
    });
    const calls: string[] = [];
    const { backup } = await saved(api);
    await owe({ id: "wrk_long", task: "follow" });
    const told: string[] = [];
    const waits: number[] = [];
    const pause = async (milliseconds: number) => {
      if (waits.length === 0) {
        expect(await leaseTasks(testContext(), new Set(["wrk_long"]), 1)).toEqual([]);
      }
      waits.push(milliseconds);
      await testClock.sleep(milliseconds);
    };
    expect(await leaseTasks(testContext(), new Set(["wrk_long"]), 1)).toHaveLength(1);
    calls.length = 0;
    await restoreShop(api, backup, { ...quiet, pause, print: (line) => told.push(line) });
    expect(waits[0]).toBe(DRAIN_MS);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBe(LEASE_MS);
    expect(told).toContain("Waiting for 1 tasks and jobs that are under way.");
    const emptied = calls.indexOf("POST /ops/backup/empty-stock");
    expect(calls.slice(0, emptied).filter((call) => call.startsWith("POST"))).toEqual([
      "POST /ops/selling",
      "POST /ops/backup/proof",
    ]);
  });
});

describe("what a person must look at", () => {
  test("is reported before anything is overwritten, and again by a restore that is run again", async () => {
    const { productIds } = await givenShop([[10]]);
    const [apple = ""] = productIds;
    const { api } = await givenAdmin(async (_, path) => {
      if (path === dies) throw new Error("died");
    });
    let dies = "";
    const old = await cardOrder(apple);
    testClock.advance(60_000);
    const { backup } = await saved(api);
    testClock.advance(60_000);
    const [paid, lost] = [
      await cardOrder(apple),
      await placed(await post("/orders", basket({ [apple]: 2 }))),
    ];
    await tellStandard(success(paid), {}, RINGS);
    await vi.waitFor(async () => expect(await orderNow(paid.id)).toMatchObject({ status: "confirmed" }));

    const reports: LostWindow[] = [];
    const options = { ...quiet, report: async (window: LostWindow) => void reports.push(window) };
    dies = "/ops/backup/empty-stock";
    await expect(restoreShop(api, backup, options)).rejects.toThrow("died");
    const [report] = reports;
    expect(report).toMatchObject({
      from: backup.manifest.made_at,
      after_another_restore: false,
      payments: [{ order_id: paid.id, status: "succeeded", captured: 1999, currency: "USD" }],
      refunds: [],
      payment_events: [
        { event_id: "evt_1", order_id: paid.id, state: "done", outcome: "paid", amount: 1999 },
      ],
    });
    expect(Date.parse(report?.to ?? "")).toBeGreaterThan(Date.parse(report?.from ?? "") + DRAIN_MS);
    expect(report?.orders.map(({ id, status }) => [id, status]).sort()).toEqual(
      [
        [paid.id, "confirmed"],
        [lost.id, "confirmed"],
      ].sort(),
    );
    expect(JSON.stringify(report)).not.toContain(old.id);
    expect(JSON.stringify(report)).not.toMatch(/secret|hash/);

    dies = "/ops/backup/finish";
    await expect(restoreShop(api, backup, options)).rejects.toThrow("died");
    expect(reports[1]).toEqual({ ...report, to: reports[1]?.to, after_another_restore: true });
    dies = "";
    await restoreShop(api, backup, options);
    expect(reports[2]).toMatchObject({
      after_another_restore: true,
      orders: [],
      payments: [],
      payment_events: [],
    });
  });

  test("a table that does not say when its rows changed is not asked so", async () => {
    const { headers } = await givenAdmin();
    const answer = await answerOf(
      worker.fetch(
        new Request("http://shop.test/api/v1/ops/backup/tables/order_items?since=2026-01-01T00:00:00Z", {
          headers,
        }) as never,
        env,
        createExecutionContext(),
      ) as Promise<Response>,
    );
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_query"]);
  });
});
