import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { FIRST_RETRY_MS, MAX_ATTEMPTS } from "../../src/events/backoff.ts";
import { markOf, markTasks, markTasksDone } from "../../src/events/mark.ts";
import {
  AT_ONCE,
  runTasks,
  type Task,
  type TaskHandlers,
  type TaskOutcome,
} from "../../src/events/run-tasks.ts";
import { LEASE_MS, leaseTasks } from "../../src/events/take.ts";
import type { TaskName } from "../../src/events/tasks.ts";
import { wakeDueTasks, wakeUp } from "../../src/events/wake-up.ts";
import { createIds } from "../../src/platform/ids.ts";
import { Boundary } from "../chaos/boundary.ts";
import { measure } from "../costs/measure.ts";
import { testClock } from "../support/clock.ts";
import { testContext as contextOf } from "./context.ts";
import { owe, workRow } from "./rows.ts";

const DONE: TaskOutcome = { kind: "done" };

/** All tasks do the same, and say for which rows. */
function handling(work: (task: Task) => Promise<TaskOutcome> | TaskOutcome) {
  const seen: Task[] = [];
  const handle = async (_context: unknown, task: Task) => {
    seen.push(task);
    return work(task);
  };
  return { handlers: allBy(handle), seen };
}

const allBy = (handle: TaskHandlers["follow"]): TaskHandlers => ({
  email: handle,
  follow: handle,
  "end-payments": handle,
  "fulfilment-step": handle,
  "payment-event": handle,
  reconcile: handle,
  refund: handle,
  restock: handle,
});

/** Ids whose every random character is the lowest, or the highest: jitter at its ends. */
const idsWithRandom = (byte: number) =>
  createIds(
    (length) => new Uint8Array(length).fill(byte),
    () => testClock.now(),
  );

/** Bells ring for nobody: one with a delay would come in another test. */
const testContext: typeof contextOf = (replaced = {}) => {
  const silent = { sendBatch: async () => {} } as unknown as Queue;
  return contextOf({
    env: { ...env, ORDERS_QUEUE: silent, NOTIFICATIONS_QUEUE: silent, PAYMENTS_QUEUE: silent },
    ...replaced,
  });
};

/** A bell for a task, as its queue would get it: the ids of each `sendBatch`. */
function listening(failing = false) {
  const rung: { queue: string; ids: string[]; delays?: number[] }[] = [];
  const queue = (name: string) =>
    ({
      sendBatch: async (messages: Iterable<MessageSendRequest<{ id: string }>>) => {
        if (failing) throw new Error("the queue is down");
        const sent = [...messages];
        const delays = sent.flatMap(({ delaySeconds }) => delaySeconds ?? []);
        const ids = sent.map(({ body }) => body.id);
        rung.push({ queue: name, ids, ...(delays.length > 0 && { delays }) });
      },
    }) as unknown as Queue;
  const context = testContext({
    env: { ...env, ORDERS_QUEUE: queue("orders"), NOTIFICATIONS_QUEUE: queue("notifications") },
  });
  return { context, rung };
}

describe("taking work", () => {
  test("a handler is given its task, and the row is done", async () => {
    await owe({ id: "wrk_a", object_id: "ord_7", payload: { template: "x" } });
    const { handlers, seen } = handling(() => DONE);
    await runTasks(testContext(), handlers, ["wrk_a"]);
    expect(seen).toEqual([{ id: "wrk_a", objectId: "ord_7", payload: { template: "x" }, attempt: 1 }]);
    expect(await workRow("wrk_a")).toMatchObject({
      state: "done",
      attempts: 1,
      started_at: testClock.now(),
      finished_at: testClock.now(),
      error: null,
    });
  });

  test("the request that owed the work goes on in its task", async () => {
    await owe({ id: "wrk_a", request_id: "req_of_the_order" });
    const requests: string[] = [];
    const handle: TaskHandlers["follow"] = async (context) => {
      requests.push(context.requestId);
      return DONE;
    };
    await runTasks(testContext(), allBy(handle), ["wrk_a"]);
    expect(requests).toEqual(["req_of_the_order"]);
  });

  test("of parallel workers one has each row", async () => {
    const ids = Array.from({ length: AT_ONCE + 5 }, (_, index) => `wrk_${index}`);
    await owe(...ids.map((id) => ({ id })));
    const { handlers, seen } = handling(() => DONE);
    await Promise.all(Array.from({ length: 4 }, () => runTasks(testContext(), handlers, ids)));
    expect(seen.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  test("what is done, dead, unknown, named twice or not yet due is not begun", async () => {
    await owe({ id: "wrk_done" }, { id: "wrk_dead" }, { id: "wrk_due" });
    await owe({ id: "wrk_early", not_before: testClock.now() + 1 });
    await env.DB.prepare("UPDATE work SET state = substr(id, 5) WHERE id IN ('wrk_done', 'wrk_dead')").run();
    const { handlers, seen } = handling(() => DONE);
    const ids = ["wrk_done", "wrk_dead", "wrk_nowhere", "wrk_early", "wrk_due", "wrk_due"];
    await runTasks(testContext(), handlers, ids);
    expect(seen.map(({ id }) => id)).toEqual(["wrk_due"]);
    expect(await workRow("wrk_early")).toMatchObject({ state: "owed", attempts: 0 });

    testClock.advance(1);
    await runTasks(testContext(), handlers, ids);
    expect(seen.map(({ id }) => id)).toEqual(["wrk_due", "wrk_early"]);
  });

  test("a row under a lease is nobody else's until the lease runs out; then it is due again", async () => {
    await owe({ id: "wrk_a" });
    const { handlers, seen } = handling(() => new Promise<TaskOutcome>(() => {}));
    void runTasks(testContext(), handlers, ["wrk_a"]);
    await expect.poll(() => seen.length).toBe(1);

    const { handlers: second, seen: taken } = handling(() => DONE);
    testClock.advance(LEASE_MS - 1);
    await runTasks(testContext(), second, ["wrk_a"]);
    expect(taken).toEqual([]);
    testClock.advance(1);
    await runTasks(testContext(), second, ["wrk_a"]);
    expect(taken).toMatchObject([{ id: "wrk_a", attempt: 2 }]);
    expect(await workRow("wrk_a")).toMatchObject({ state: "done", attempts: 2 });
  });

  test.each<[string, TaskOutcome]>([
    ["done", DONE],
    ["failed", { kind: "failed", error: "too late" }],
  ])("a late worker whose row was taken over does not mark it %s", async (_name, outcome) => {
    await owe({ id: "wrk_a" });
    const late = Promise.withResolvers<TaskOutcome>();
    const { handlers, seen } = handling(() => late.promise);
    const lateWork = runTasks(testContext(), handlers, ["wrk_a"]);
    await expect.poll(() => seen.length).toBe(1);

    testClock.advance(LEASE_MS);
    const second = Promise.withResolvers<TaskOutcome>();
    const other = handling(() => second.promise);
    const otherWork = runTasks(testContext(), other.handlers, ["wrk_a"]);
    await expect.poll(() => other.seen.length).toBe(1);
    const leased = await workRow("wrk_a");

    late.resolve(outcome);
    await lateWork;
    expect(await workRow("wrk_a")).toEqual(leased);
    second.resolve(DONE);
    await otherWork;
    expect(await workRow("wrk_a")).toMatchObject({ state: "done", attempts: 2, error: null });
  });

  test("a row that waits for a lane has no lease and no attempt, and others may have it", async () => {
    const ids = Array.from({ length: AT_ONCE + 2 }, (_, index) => `wrk_${String(index).padStart(2, "0")}`);
    await owe(...ids.map((id) => ({ id })));
    const hang = Promise.withResolvers<TaskOutcome>();
    const { handlers, seen } = handling(() => hang.promise);
    const working = runTasks(testContext(), handlers, ids);
    await expect.poll(() => seen.length).toBe(AT_ONCE);
    const waiting = ids.filter((id) => !seen.some((task) => task.id === id));
    for (const id of waiting) {
      expect(await workRow(id)).toMatchObject({ state: "owed", attempts: 0, lease: null, started_at: null });
    }

    const { handlers: second, seen: taken } = handling(() => DONE);
    await runTasks(testContext(), second, ids);
    expect(taken.map(({ id }) => id).sort()).toEqual(waiting);
    hang.resolve(DONE);
    await working;
    expect(seen).toHaveLength(AT_ONCE);
    for (const id of ids) expect(await workRow(id)).toMatchObject({ state: "done", attempts: 1 });
  });

  test("more rows than lanes are all done by one call, each once, each under a lease of its own turn", async () => {
    const ids = Array.from({ length: AT_ONCE + 5 }, (_, index) => `wrk_${index}`);
    await owe(...ids.map((id) => ({ id })));
    const { handlers, seen } = handling(() => {
      testClock.advance(LEASE_MS / 5);
      return DONE;
    });
    await runTasks(testContext(), handlers, ids);
    expect(seen.map(({ id }) => id).sort()).toEqual([...ids].sort());
    for (const id of ids) expect(await workRow(id)).toMatchObject({ state: "done", attempts: 1 });
  });

  test("what fails comes back in no lane of the same call, however long that takes", async () => {
    const ids = Array.from({ length: AT_ONCE + 10 }, (_, index) => `wrk_${index}`);
    await owe(...ids.map((id) => ({ id })));
    const { handlers, seen } = handling(() => {
      testClock.advance(10 * LEASE_MS);
      return { kind: "failed", error: "no" };
    });
    await runTasks(testContext(), handlers, ids);
    expect(seen.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });
});

describe("tasks that run at the same time", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `wrk_${index}`);

  /** Counts round trips. */
  const callsFor = async (ids: string[], handlers: TaskHandlers) => {
    const { calls, sent } = await measure((context) => runTasks(context, handlers, ids));
    return { calls, statements: sent.length };
  };

  test.each([
    [1, 2],
    [AT_ONCE, 2],
    [2.5 * AT_ONCE, 6],
  ])(
    "%i cost D1 %i calls: those that are free lease together, and those that end are marked together",
    async (count, calls) => {
      const ids = many(count);
      await owe(...ids.map((id) => ({ id })));
      expect(await callsFor(ids, handling(() => DONE).handlers)).toEqual({ calls, statements: calls });
      for (const id of ids)
        expect(await workRow(id)).toMatchObject({ state: "done", attempts: 1, lease: null });
    },
  );

  test("however each of them ends, one statement marks them all", async () => {
    await owe({ id: "wrk_done" }, { id: "wrk_on", payload: { from: 1 } }, { id: "wrk_waits" });
    await owe({ id: "wrk_fails", payload: { kept: true } }, { id: "wrk_dies" });
    await env.DB.prepare("UPDATE work SET attempts = 7, error = 'old' WHERE id <> 'wrk_fails'").run();
    const outcomes: Record<string, TaskOutcome> = {
      wrk_done: DONE,
      wrk_on: { kind: "goes_on", payload: { from: 2, "it's": 'a "\u0000"' } },
      wrk_waits: { kind: "not_now", error: "closed" },
      wrk_fails: { kind: "failed", error: `no \0 "quotes"` },
      wrk_dies: { kind: "failed", error: "no more" },
    };
    const { handlers } = handling(({ id }) => outcomes[id] ?? DONE);
    expect(await callsFor(Object.keys(outcomes), handlers)).toEqual({ calls: 2, statements: 2 });

    const now = testClock.now();
    expect(await workRow("wrk_done")).toMatchObject({
      state: "done",
      attempts: 8,
      error: null,
      finished_at: now,
    });
    const owed = { state: "owed", lease: null, finished_at: null };
    const on = await workRow("wrk_on");
    expect(on).toMatchObject({ ...owed, attempts: 0, not_before: now, error: null });
    expect(JSON.parse(on.payload)).toEqual({ from: 2, "it's": 'a "\u0000"' });
    expect(await workRow("wrk_waits")).toMatchObject({
      ...{ ...owed, attempts: 7, error: "closed" },
      not_before: now + 60_000,
    });
    expect(await workRow("wrk_fails")).toMatchObject({
      ...{ ...owed, attempts: 1, error: 'no \ufffd "quotes"', payload: '{"kept":true}' },
    });
    expect(await workRow("wrk_dies")).toMatchObject({
      state: "dead",
      attempts: 8,
      error: "no more",
      finished_at: now,
    });
  });

  test("one that hangs keeps no other from being marked", async () => {
    const ids = many(20);
    await owe(...ids.map((id) => ({ id })));
    const hang = Promise.withResolvers<TaskOutcome>();
    const { handlers } = handling((task) => {
      if (task.id === "wrk_1") throw new TypeError("poison");
      return task.id === "wrk_0" ? hang.promise : DONE;
    });
    const working = runTasks(testContext(), handlers, ids);
    for (const id of ids.slice(2)) {
      await expect.poll(async () => (await workRow(id)).state).toBe("done");
    }
    await expect.poll(async () => (await workRow("wrk_1")).error).toBe("poison");
    expect(await workRow("wrk_0")).toMatchObject({ state: "owed", attempts: 1, lease: expect.any(String) });
    hang.resolve(DONE);
    await working;
    expect(await workRow("wrk_0")).toMatchObject({ state: "done" });
  });

  test("marks that fail leave their rows to the lease, and are no matter to those that end later", async () => {
    const ids = many(20);
    await owe(...ids.map((id) => ({ id })));
    const later = Promise.withResolvers<TaskOutcome>();
    const { handlers } = handling((task) => (task.id === "wrk_0" ? later.promise : DONE));
    // The lease is read with `all`; what is run first is the mark.
    const failing = new Boundary({ at: 1, ending: "call fails" });
    const logged = vi.spyOn(console, "error").mockReturnValue();
    const unmarked = () => logged.mock.calls.filter(([line]) => `${line}`.includes("could not be marked"));
    const context = testContext();
    const working = runTasks({ ...context, env: failing.watch(context.env) }, handlers, ids);
    await expect.poll(() => unmarked().length).toBe(19);
    logged.mockRestore();
    for (const id of ids) {
      expect(await workRow(id)).toMatchObject({
        ...{ state: "owed", attempts: 1, lease: expect.any(String) },
        not_before: testClock.now() + LEASE_MS,
      });
    }
    later.resolve(DONE);
    await working;
    expect(failing.calls).toEqual(["D1.all", "D1.run", "D1.run"]);
    expect(await workRow("wrk_0")).toMatchObject({ state: "done", attempts: 1 });

    testClock.advance(LEASE_MS);
    await runTasks(testContext(), handlers, ids);
    for (const id of ids.slice(1)) expect(await workRow(id)).toMatchObject({ state: "done", attempts: 2 });
  });

  test("a row that another has taken over, or a restore has brought back, is left out of a mark", async () => {
    await owe({ id: "wrk_mine" }, { id: "wrk_taken" }, { id: "wrk_settled" }, { id: "wrk_restored" });
    const taken = await leaseTasks(testContext(), new Set(["wrk_mine", "wrk_taken", "wrk_settled"]), 3);
    await env.DB.batch([
      env.DB.prepare("UPDATE work SET lease = 'of another' WHERE id = 'wrk_taken'"),
      env.DB.prepare("UPDATE work SET state = 'done', finished_at = 7 WHERE id = 'wrk_settled'"),
      env.DB.prepare("INSERT INTO shop_state (key, value, since) VALUES ('generation', '1', 0)"),
    ]);
    const restored = await leaseTasks(testContext(), new Set(["wrk_restored"]), 1);
    const failed: TaskOutcome = { kind: "failed", error: "late" };
    const marks = [...taken, ...restored].map((one) => markOf(testContext(), one, failed));
    const before = await Promise.all(["wrk_taken", "wrk_settled", "wrk_mine"].map(workRow));

    await markTasks(testContext(), marks);
    expect(await Promise.all(["wrk_taken", "wrk_settled", "wrk_mine"].map(workRow))).toEqual(before);
    expect(await workRow("wrk_restored")).toMatchObject({ error: "late", lease: null });

    await env.DB.prepare("UPDATE shop_state SET value = '0' WHERE key = 'generation'").run();
    await markTasks(testContext(), marks);
    expect(await Promise.all(["wrk_taken", "wrk_settled"].map(workRow))).toEqual(before.slice(0, 2));
    expect(await workRow("wrk_mine")).toMatchObject({ error: "late", lease: null });
  });
});

describe("a handler that hangs", () => {
  const hanging = () => new Promise<TaskOutcome>(() => {});

  test("kills no mail in ten minutes of sweeps, and leaves none untried", async () => {
    const ids = Array.from({ length: AT_ONCE + 2 }, (_, index) => `wrk_${String(index).padStart(2, "0")}`);
    await owe(...ids.map((id) => ({ id, task: "email" as const })));
    const { handlers, seen } = handling(hanging);
    for (let minute = 0; minute < 10; minute++) {
      const before = seen.length;
      const due = await env.DB.prepare("SELECT count(*) AS due FROM work WHERE not_before <= ?")
        .bind(testClock.now())
        .first<number>("due");
      void runTasks(testContext(), handlers, ids);
      await expect.poll(() => seen.length - before).toBe(Math.min(due ?? 0, AT_ONCE));
      testClock.advance(LEASE_MS);
    }
    const rows = await Promise.all(ids.map(workRow));
    expect(rows.filter(({ state }) => state !== "owed")).toEqual([]);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(AT_ONCE + 2);
    expect(Math.max(...rows.map(({ attempts }) => attempts))).toBeLessThanOrEqual(5);
  });

  test("rows that were not begun yet come before those that were", async () => {
    const ids = Array.from({ length: AT_ONCE + 2 }, (_, index) => `wrk_${String(index).padStart(2, "0")}`);
    await owe(...ids.map((id) => ({ id })));
    const { handlers, seen } = handling(hanging);
    void runTasks(testContext(), handlers, ids);
    await expect.poll(() => seen.length).toBe(AT_ONCE);
    testClock.advance(LEASE_MS);
    void runTasks(testContext(), handlers, ids);
    await expect.poll(() => seen.length).toBe(2 * AT_ONCE);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(AT_ONCE + 2);
  });

  test("each lease runs until the backoff of its attempt, where that is the later", async () => {
    await owe({ id: "wrk_a" });
    const { handlers, seen } = handling(hanging);
    const context = testContext({ ids: idsWithRandom(0) });
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      void runTasks(context, handlers, ["wrk_a"]);
      await expect.poll(() => seen.length).toBe(attempt);
      const backoff = attempt < MAX_ATTEMPTS ? (FIRST_RETRY_MS / 2) * 3 ** (attempt - 1) : 0;
      const { not_before, attempts } = await workRow("wrk_a");
      expect({ attempts, wait: not_before - testClock.now() }).toEqual({
        attempts: attempt,
        wait: Math.max(LEASE_MS, backoff),
      });
      testClock.advance(not_before - testClock.now());
    }
    await runTasks(context, handlers, ["wrk_a"]);
    expect(await workRow("wrk_a")).toMatchObject({ state: "dead", error: "its last attempt never ended" });
    expect(seen).toHaveLength(MAX_ATTEMPTS);
  });

  test("is given up by its lane, which goes on; its row is due when the lease said", async () => {
    const ids = Array.from({ length: 21 }, (_, index) => `wrk_${String(index).padStart(2, "0")}`);
    await owe(...ids.map((id) => ({ id })));
    const { handlers, seen } = handling((task) => (task.id === "wrk_20" ? DONE : hanging()));
    await runTasks(testContext(), handlers, ids, 20);
    expect(seen).toHaveLength(21);
    expect(await workRow("wrk_20")).toMatchObject({ state: "done" });
    expect(await workRow("wrk_00")).toMatchObject({
      state: "owed",
      attempts: 1,
      lease: null,
      error: "did not end within 0.02 s",
      not_before: testClock.now() + LEASE_MS,
    });
  });

  test("is dead when given up for the last time, and what it says afterwards changes nothing", async () => {
    await owe({ id: "wrk_a" });
    await env.DB.prepare("UPDATE work SET attempts = ?")
      .bind(MAX_ATTEMPTS - 1)
      .run();
    const late = Promise.withResolvers<TaskOutcome>();
    const { handlers } = handling(() => late.promise);
    await runTasks(testContext(), handlers, ["wrk_a"], 20);
    const dead = await workRow("wrk_a");
    expect(dead).toMatchObject({ state: "dead", attempts: 8, error: "did not end within 0.02 s" });
    late.resolve(DONE);
    await late.promise;
    expect(await workRow("wrk_a")).toEqual(dead);
  });
});

describe("failure", () => {
  test("a poisoned task keeps none of its neighbours from being done", async () => {
    await owe({ id: "wrk_throws" }, { id: "wrk_fails" }, { id: "wrk_unknown" }, { id: "wrk_garbled" });
    await owe({ id: "wrk_good" });
    await env.DB.batch([
      env.DB.prepare("UPDATE work SET task = 'toString' WHERE id = 'wrk_unknown'"),
      env.DB.prepare("UPDATE work SET payload = '{' WHERE id = 'wrk_garbled'"),
    ]);
    const { handlers } = handling((task) => {
      if (task.id === "wrk_throws") throw new TypeError("poison");
      return task.id === "wrk_fails" ? { kind: "failed", error: "refused" } : DONE;
    });
    const ids = ["wrk_throws", "wrk_fails", "wrk_unknown", "wrk_garbled", "wrk_good"];
    await runTasks(testContext(), handlers, ids);

    const failed = { state: "owed", attempts: 1, lease: null, finished_at: null };
    expect(await workRow("wrk_good")).toMatchObject({ state: "done" });
    expect(await workRow("wrk_throws")).toMatchObject({ ...failed, error: "poison" });
    expect(await workRow("wrk_fails")).toMatchObject({ ...failed, error: "refused" });
    expect(await workRow("wrk_unknown")).toMatchObject({ ...failed, error: "nobody here does toString" });
    expect(await workRow("wrk_garbled")).toMatchObject({ ...failed, error: expect.stringContaining("JSON") });
  });

  test("each failure waits three times as long as the one before, and the eighth is death", async () => {
    await owe({ id: "wrk_a" });
    const { handlers, seen } = handling(() => ({ kind: "failed", error: `no ${seen.length}` }));
    const context = testContext({ ids: idsWithRandom(0) });
    for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
      await runTasks(context, handlers, ["wrk_a"]);
      const delay = (FIRST_RETRY_MS / 2) * 3 ** (attempt - 1);
      expect(await workRow("wrk_a")).toMatchObject({
        state: "owed",
        attempts: attempt,
        not_before: testClock.now() + delay,
      });
      testClock.advance(delay - 1);
      await runTasks(context, handlers, ["wrk_a"]);
      expect(seen).toHaveLength(attempt);
      testClock.advance(1);
    }
    await runTasks(context, handlers, ["wrk_a"]);
    const dead = { state: "dead", attempts: 8, error: "no 8", finished_at: testClock.now() };
    expect(await workRow("wrk_a")).toMatchObject(dead);

    testClock.advance(24 * 3_600_000);
    await runTasks(context, handlers, ["wrk_a"]);
    expect(seen).toHaveLength(MAX_ATTEMPTS);
    expect(await workRow("wrk_a")).toMatchObject(dead);
  });

  test("jitter spreads what failed together over the later half of the delay", async () => {
    const { handlers } = handling(() => ({ kind: "failed", error: "no" }));
    const delayWith = async (id: string, byte: number) => {
      await owe({ id });
      await runTasks(testContext({ ids: idsWithRandom(byte) }), handlers, [id]);
      return (await workRow(id)).not_before - testClock.now();
    };
    expect(await delayWith("wrk_low", 0)).toBe(5_000);
    expect(await delayWith("wrk_middle", 128)).toBeGreaterThan(7_400);
    expect(await delayWith("wrk_high", 255)).toBe(10_000);
  });

  test("a task that kills its worker each time dies too, without being begun a ninth time", async () => {
    await owe({ id: "wrk_a" });
    await env.DB.prepare("UPDATE work SET attempts = ?").bind(MAX_ATTEMPTS).run();
    const { handlers, seen } = handling(() => DONE);
    await runTasks(testContext(), handlers, ["wrk_a"]);
    expect(seen).toEqual([]);
    expect(await workRow("wrk_a")).toMatchObject({
      state: "dead",
      attempts: MAX_ATTEMPTS,
      error: "its last attempt never ended",
      finished_at: testClock.now(),
    });
  });
});

describe("work done inline", () => {
  test("is marked without a lease, and a consumer at the same row changes that no more", async () => {
    await owe({ id: "wrk_inline" }, { id: "wrk_dead" }, { id: "wrk_other" });
    await env.DB.prepare("UPDATE work SET state = 'dead' WHERE id = 'wrk_dead'").run();
    const slow = Promise.withResolvers<TaskOutcome>();
    const { handlers, seen } = handling(() => slow.promise);
    const working = runTasks(testContext(), handlers, ["wrk_inline"]);
    await expect.poll(() => seen.length).toBe(1);

    await markTasksDone(testContext(), ["wrk_inline", "wrk_dead", "wrk_nowhere"]);
    const settled = await workRow("wrk_inline");
    expect(settled).toMatchObject({ state: "done", finished_at: testClock.now() });
    slow.resolve({ kind: "failed", error: "lost the race" });
    await working;
    expect(await workRow("wrk_inline")).toEqual(settled);
    expect(await workRow("wrk_dead")).toMatchObject({ state: "dead" });
    expect(await workRow("wrk_other")).toMatchObject({ state: "owed" });
  });
});

describe("bells", () => {
  test("each task's bells go to its queue, a hundred at a time", async () => {
    const { context, rung } = listening();
    const work = Array.from({ length: 201 }, (_, index) => ({
      id: `wrk_${index}`,
      task: (index === 0 ? "email" : "follow") satisfies TaskName as TaskName,
    }));
    await wakeUp(context, work);
    expect(rung.map(({ queue, ids }) => [queue, ids.length])).toEqual([
      ["notifications", 1],
      ["orders", 100],
      ["orders", 100],
    ]);
    expect(rung.flatMap(({ ids }) => ids)).toEqual(work.map(({ id }) => id));
  });

  test("a retry sooner than the next sweep is rung for when it is due, a later one is left to the sweep", async () => {
    const { context, rung } = listening();
    await owe({ id: "wrk_a", task: "email" });
    const { handlers } = handling(() => ({ kind: "failed", error: "no" }));
    const highest = { ...context, ids: idsWithRandom(255) };
    for (let failure = 0; failure < 3; failure++) {
      await runTasks(highest, handlers, ["wrk_a"]);
      testClock.advance((await workRow("wrk_a")).not_before - testClock.now());
    }
    expect(rung).toEqual([
      { queue: "notifications", ids: ["wrk_a"], delays: [10] },
      { queue: "notifications", ids: ["wrk_a"], delays: [30] },
    ]);
  });

  test("what died or nobody does is not rung for", async () => {
    const { context, rung } = listening();
    await owe({ id: "wrk_a" }, { id: "wrk_b" });
    await env.DB.batch([
      env.DB.prepare("UPDATE work SET attempts = ? WHERE id = 'wrk_a'").bind(MAX_ATTEMPTS - 1),
      env.DB.prepare("UPDATE work SET task = 'toString' WHERE id = 'wrk_b'"),
    ]);
    const { handlers } = handling(() => ({ kind: "failed", error: "no" }));
    await runTasks(context, handlers, ["wrk_a", "wrk_b"]);
    expect(rung).toEqual([]);
  });

  test("a queue that is down loses a bell and breaks nothing", async () => {
    const { context } = listening(true);
    await owe({ id: "wrk_a" });
    await expect(wakeUp(context, [{ id: "wrk_a", task: "follow" }])).resolves.toBeUndefined();
    await expect(wakeDueTasks(context)).resolves.toBe(1);
    expect(await workRow("wrk_a")).toMatchObject({ state: "owed", attempts: 0 });
  });

  test("the sweep rings for what is due, and for nothing under way, finished or early", async () => {
    const { context, rung } = listening();
    await owe({ id: "wrk_due" }, { id: "wrk_mail", task: "email" }, { id: "wrk_leased" }, { id: "wrk_done" });
    await owe({ id: "wrk_early", not_before: testClock.now() + 1 });
    const { handlers, seen } = handling((task) =>
      task.id === "wrk_done" ? DONE : new Promise<TaskOutcome>(() => {}),
    );
    void runTasks(testContext(), handlers, ["wrk_leased", "wrk_done"]);
    await expect.poll(async () => (await workRow("wrk_done")).state).toBe("done");
    expect(seen).toHaveLength(2);

    expect(await wakeDueTasks(context)).toBe(2);
    expect(rung).toEqual([
      { queue: "orders", ids: ["wrk_due"] },
      { queue: "notifications", ids: ["wrk_mail"] },
    ]);
    testClock.advance(LEASE_MS);
    expect(await wakeDueTasks(context)).toBe(4);
  });

  test("a sweep rings for a thousand, the longest due first", async () => {
    const { context, rung } = listening();
    const work = Array.from({ length: 1_100 }, (_, index) => ({
      id: `wrk_${index}`,
      not_before: testClock.now() - index,
    }));
    await owe(...work);
    expect(await wakeDueTasks(context)).toBe(1_000);
    expect(rung[0]?.ids[0]).toBe("wrk_1099");
  });
});
