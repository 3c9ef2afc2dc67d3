import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { MAX_ATTEMPTS } from "../../../src/events/backoff.ts";
import { runTasks, type TaskHandlers } from "../../../src/events/run-tasks.ts";
import { LEASE_MS } from "../../../src/events/take.ts";
import { recordEnds } from "../../../src/ops/jobs/perform.ts";
import type { Job } from "../../../src/ops/jobs/run.ts";
import { runByHand } from "../../../src/ops/jobs/run-by-hand.ts";
import { type Limits, reconcileFrom } from "../../../src/ops/reconcile/reconcile.ts";
import { continueReconciliation, reconcileStock } from "../../../src/ops/reconcile/reconcile-all.ts";
import type { Context } from "../../../src/platform/context.ts";
import { Boundary, ENDINGS } from "../../chaos/boundary.ts";
import { testContext } from "../../events/context.ts";
import { answerOf } from "../../orders/ask.ts";
import { givenCatalog } from "../../support/catalog.ts";
import { testClock } from "../../support/clock.ts";
import { get, givenShop, post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import { runsOf, tick } from "../jobs/shop-hours.ts";
import { levelsOf, MINUTE, plant } from "./plant.ts";

/** A shop of so many products with five units each, in the order of their ids, as a walk goes. */
async function givenProducts(count: number): Promise<string[]> {
  const { productIds } = await givenShop(Array(count).fill([5]));
  return productIds.toSorted();
}

/** Three slices of 60 products. */
const SMALL: Limits = { chunk: 10, products: 20, repairs: 20, durationMs: 20_000 };

const jobOf = (limits: Limits): Job => ({
  name: "reconcile-stock",
  schedule: "0 3 * * *",
  sweep: false,
  handler: (context, run) => reconcileStock(context, run, limits),
});

/** A worker whose bells ring for nobody: a test works the slices off itself. */
function worker(boundary = new Boundary()): Context {
  const silent = { sendBatch: async () => {} } as unknown as Queue;
  return testContext({ env: { ...boundary.watch(env), DEFAULT_QUEUE: silent } });
}

const begin = (limits = SMALL, boundary = new Boundary()) => runByHand(worker(boundary), jobOf(limits), null);

async function slice(limits = SMALL, boundary = new Boundary()): Promise<void> {
  const { results } = await env.DB.prepare("SELECT id FROM work WHERE task = 'reconcile'").all<{
    id: string;
  }>();
  const handlers = {
    reconcile: (context, task) => continueReconciliation(context, task, limits),
  } as TaskHandlers;
  await runTasks(
    worker(boundary),
    handlers,
    results.map(({ id }) => id),
  );
}

const rowOf = () =>
  env.DB.prepare(
    "SELECT state, attempts, payload ->> 'after' AS after, payload ->> 'checked' AS checked FROM work WHERE task = 'reconcile'",
  ).first();

const lose = (productId: string) => plant(productId, "UPDATE levels SET on_hand = 3");
const countOf = (calls: string[], start: string) => calls.filter((call) => call.startsWith(start)).length;

async function jobNow(): Promise<unknown> {
  const { headers } = await signIn("staff");
  const { body } = await answerOf(get("/jobs", headers));
  return body.results.find(({ name }) => name === "reconcile-stock")?.last_run;
}

test("a shop of more products than one invocation may ask is walked slice by slice", async () => {
  const productIds = await givenProducts(60);
  for (const index of [4, 24, 59]) await lose(productIds[index] ?? "");
  const at = testClock.now();

  const first = new Boundary();
  expect(await begin(SMALL, first)).toMatchObject({
    outcome: "running",
    duration_ms: null,
    detail: "20 products checked, 1 drifts, 1 repaired; goes on",
  });
  expect(await rowOf()).toEqual({ state: "owed", attempts: 0, after: productIds[19], checked: 20 });
  // Two chunks of three calls; is a walk under way, the run begun, the rest owed, the run left.
  expect([countOf(first.calls, "Stock.audit"), countOf(first.calls, "D1.")]).toEqual([20, 6 + 4]);

  testClock.advance(MINUTE);
  const second = new Boundary();
  await slice(SMALL, second);
  expect(await rowOf()).toEqual({ state: "owed", attempts: 0, after: productIds[39], checked: 40 });
  // Besides: the row taken, the run written to, the row moved on.
  expect([countOf(second.calls, "Stock.audit"), countOf(second.calls, "D1.")]).toEqual([20, 6 + 3]);
  expect(await jobNow()).toMatchObject({
    outcome: "running",
    duration_ms: null,
    detail: "40 products checked, 2 drifts, 2 repaired; goes on",
  });

  testClock.advance(MINUTE);
  const third = new Boundary();
  await slice(SMALL, third);
  expect(countOf(third.calls, "Stock.audit")).toBe(20);
  expect(await rowOf()).toMatchObject({ state: "owed", checked: 60 });
  // Sixty is a multiple of ten: that there is no more is found by looking.
  const last = new Boundary();
  await slice(SMALL, last);
  expect(countOf(last.calls, "Stock.audit")).toBe(0);
  expect(await rowOf()).toMatchObject({ state: "done" });
  expect(await jobNow()).toEqual({
    at: new Date(at).toISOString(),
    outcome: "done",
    duration_ms: 2 * MINUTE,
    detail: "60 products checked, 3 drifts, 3 repaired",
  });
  for (const id of productIds) expect(await levelsOf(id)).toMatchObject({ on_hand: 5 });
});

test("who tells late that a run goes on does not take its end back", async () => {
  await givenProducts(1);
  const { id } = await begin();
  const ended = await runsOf("reconcile-stock");
  expect(ended).toMatchObject([{ outcome: "done", detail: "1 products checked, 0 drifts, 0 repaired" }]);
  const late = { id, name: "reconcile-stock", startedAt: testClock.now(), finishedAt: null };
  await recordEnds(testContext(), [{ ...late, outcome: "running", detail: "goes on" }]);
  expect(await runsOf("reconcile-stock")).toEqual(ended);
});

const DAY = 1_440 * MINUTE;
/** An hour at which no nightly job comes, whenever the tests run. */
const atNoon = () => testClock.advance(DAY - ((testClock.now() - DAY / 2) % DAY));

test("a run goes on for as long as its walk does, and nobody makes up for it", async () => {
  atNoon();
  await givenProducts(3);
  const tiny: Limits = { ...SMALL, chunk: 1, products: 1 };
  await tick();
  await begin(tiny);
  await env.DB.batch([
    env.DB.prepare(
      "UPDATE job_runs SET scheduled_for = started_at WHERE name = 'reconcile-stock' AND outcome = 'running'",
    ),
    env.DB.prepare("UPDATE jobs SET ran_for = ?1 WHERE name = 'reconcile-stock'").bind(testClock.now()),
  ]);
  testClock.advance(16 * MINUTE);
  await env.DB.prepare("UPDATE work SET not_before = ?1")
    .bind(testClock.now() + MINUTE)
    .run();
  await tick();
  expect(await jobNow()).toMatchObject({ outcome: "running" });
  expect(await runsOf("reconcile-stock")).toHaveLength(1);

  expect(await begin(tiny)).toMatchObject({
    outcome: "done",
    detail: expect.stringMatching(/^the walk of run_\w+ is still under way$/),
  });
  await env.DB.prepare("DELETE FROM job_runs WHERE scheduled_for IS NULL").run();
  await env.DB.prepare("UPDATE work SET state = 'dead', finished_at = ?1").bind(testClock.now()).run();
  expect(await jobNow()).toMatchObject({ outcome: "failed", detail: "its worker died before it ended" });
  await tick();
  expect(await runsOf("reconcile-stock")).toMatchObject([
    { outcome: "failed" },
    { outcome: "done", detail: "3 products checked, 0 drifts, 0 repaired" },
  ]);
});

test("what is left open is told at the end, of whichever slice it was", async () => {
  const productIds = await givenProducts(3);
  // More on hold than the ledger ever had: for a person.
  const broken = ["UPDATE movements SET on_hand_after = 0", "UPDATE levels SET on_hand = 1, reserved = 1"];
  const held = `INSERT INTO claims SELECT 'clm_x', 'ord_x', 'open', 1, 0, 0, 0, 0,
    json_array(json_object('store_id', store_id, 'kept', 1, 'shipped', 0)) FROM levels`;
  await plant(productIds[0] ?? "", ...broken, held);
  const tiny: Limits = { ...SMALL, chunk: 1, products: 1 };
  const { detail } = await begin(tiny);
  expect(detail).toContain(`unbalanced`);
  for (let rest = 0; rest < 3; rest++) await slice(tiny);
  const ended = (await runsOf("reconcile-stock"))[0];
  expect(ended).toMatchObject({ outcome: "done" });
  expect(ended?.detail).toMatch(/^3 products checked, .*; open: .*unbalanced \(prd_\w+\)$/);
  expect(ended?.detail).toContain(productIds[0]);
  const letters = await env.DB.prepare("SELECT id, payload FROM work WHERE task = 'email'").all<{
    id: string;
    payload: string;
  }>();
  expect(letters.results.map(({ payload }) => JSON.parse(payload))).toMatchObject([
    { template: "notice", subject: "Stock and orders disagree", lines: [ended?.detail, expect.any(String)] },
  ]);
});

test("a slice that ends at any call is done again, and the walk ends", { timeout: 120_000 }, async () => {
  const two: Limits = { ...SMALL, chunk: 2, products: 2 };
  const given = async () => {
    await env.DB.prepare("DELETE FROM products").run();
    await env.DB.prepare("DELETE FROM work").run();
    const productIds = await givenProducts(5);
    await begin(two);
    for (const index of [2, 4]) await lose(productIds[index] ?? "");
    return productIds;
  };
  await given();
  const whole = new Boundary();
  await slice(two, whole);
  expect(whole.calls.length).toBeGreaterThanOrEqual(8);
  for (let at = 0; at < whole.calls.length; at++) {
    for (const ending of ENDINGS) {
      const productIds = await given();
      const boundary = new Boundary({ at, ending });
      // What cannot even take the row has said so, and is done.
      const over = slice(two, boundary).catch(() => {});
      await (ending.startsWith("dies") ? boundary.still() : over);
      testClock.advance(LEASE_MS + MINUTE);
      for (let rounds = 0; rounds < 3; rounds++) await slice(two);
      const what = `${ending} at ${at} ${whole.calls[at]}`;
      expect(await rowOf(), what).toMatchObject({ state: "done" });
      const ended = (await runsOf("reconcile-stock")).at(-1);
      expect(ended, what).toMatchObject({ outcome: "done" });
      expect(ended?.detail, what).toMatch(/^5 products checked, [12] drifts, [12] repaired$/);
      for (const id of productIds) expect(await levelsOf(id), what).toMatchObject({ on_hand: 5 });
      boundary.bury();
    }
  }
});

test("a slice that fails has all its attempts, whatever those before it took", async () => {
  await givenProducts(4);
  const one: Limits = { ...SMALL, chunk: 1, products: 1 };
  await begin(one);
  await env.DB.prepare("UPDATE work SET attempts = ?1")
    .bind(MAX_ATTEMPTS - 1)
    .run();
  await slice(one);
  expect(await rowOf()).toMatchObject({ state: "owed", attempts: 0, checked: 2 });
});

test("a worker whose lease was taken over moves nothing on", async () => {
  await givenProducts(4);
  const one: Limits = { ...SMALL, chunk: 1, products: 1 };
  await begin(one);
  const boundary = new Boundary({ at: 1, ending: "stalls" });
  const late = slice(one, boundary);
  await boundary.reached;
  testClock.advance(LEASE_MS + MINUTE);
  await slice(one);
  await slice(one);
  const moved = await rowOf();
  expect(moved).toMatchObject({ checked: 3 });
  boundary.wake();
  await late;
  expect(await rowOf()).toEqual(moved);
});

test("one call begins no further where it has much to mend", async () => {
  const productIds = await givenProducts(6);
  for (const id of productIds) await lose(id);
  const limits: Limits = { chunk: 2, products: 400, repairs: 3, durationMs: 20_000 };
  const look = await reconcileFrom(testContext(), "", { repair: false, operation: "reconcile-1" }, limits);
  expect(look).toMatchObject({ checked: 6, repaired: 0 });
  const mend = await reconcileFrom(testContext(), "", { repair: true, operation: "reconcile-1" }, limits);
  expect(mend).toMatchObject({ checked: 4, repaired: 4, next: productIds[3] });
});

test("over the API and its queue: begun by hand, ended by bells", async () => {
  await givenCatalog({ products: 450 });
  const { headers } = await signIn("staff");
  const begun = await answerOf(post("/jobs/reconcile-stock/run", undefined, headers));
  expect(begun.body).toMatchObject({
    outcome: "running",
    detail: "400 products checked, 0 drifts, 0 repaired; goes on",
  });
  await vi.waitFor(
    async () =>
      expect(await jobNow()).toMatchObject({
        outcome: "done",
        detail: "450 products checked, 0 drifts, 0 repaired",
      }),
    { timeout: 20_000, interval: 100 },
  );
  const { body } = await answerOf(get("/tasks?task=reconcile", headers));
  expect(body.results).toMatchObject([{ queue: "default", state: "done", object_id: begun.body.id }]);
});
