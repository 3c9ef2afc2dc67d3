import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { isoTimestamp } from "../../../src/platform/clock.ts";
import { owe, workRow } from "../../events/rows.ts";
import { testClock } from "../../support/clock.ts";
import { answerOf, as, type Call, givenDead, givenUndelivered, taskEvents } from "./given.ts";

let call: Call;
let actor: string;
beforeEach(async () => {
  const { call: asStaff, user } = await as("staff");
  call = asStaff;
  actor = user.id;
});

const ask = async (path: string, method?: string) => answerOf(await call(path, method));
const idsOf = async (path: string) =>
  (await (await call(path)).json<{ results: { id: string }[] }>()).results.map(({ id }) => id);
const untilDone = (id: string) =>
  vi.waitFor(async () => expect(await workRow(id)).toMatchObject({ state: "done" }), { timeout: 5_000 });

describe("the list", () => {
  test("tells all of what died, the last first, and nothing of what lives", async () => {
    const owedAt = testClock.now();
    await givenDead({ id: "wrk_mail" });
    testClock.advance(1_000);
    await givenUndelivered("wrk_message");
    await owe({ id: "wrk_owed" });
    expect(await ask("/dead-letters")).toEqual({
      count: 2,
      page: 1,
      page_size: 20,
      total_pages: 1,
      has_next: false,
      has_previous: false,
      next_cursor: null,
      results: [
        {
          id: "wrk_message",
          queue: "dead-letters",
          task: "undelivered",
          payload: { body: "?" },
          error: "no consumer took it",
          attempts: 6,
          first_at: isoTimestamp(testClock.now()),
          last_at: isoTimestamp(testClock.now()),
        },
        {
          id: "wrk_mail",
          queue: "notifications",
          task: "email",
          payload: { template: "order_confirmation", order_id: "ord_gone" },
          error: "refused",
          attempts: 8,
          first_at: isoTimestamp(owedAt),
          last_at: isoTimestamp(owedAt),
        },
      ],
    });
  });

  test("by task, by page and by cursor", async () => {
    for (const id of ["wrk_1", "wrk_2", "wrk_3"]) {
      await givenDead({ id });
      testClock.advance(1);
    }
    await givenDead({ id: "wrk_4", task: "refund" });
    const first = await (await call("/dead-letters?page_size=2")).json<{ next_cursor: string }>();
    expect(first).toMatchObject({ count: 4, has_next: true, results: [{ id: "wrk_4" }, { id: "wrk_3" }] });
    expect(await idsOf(`/dead-letters?page_size=2&cursor=${first.next_cursor}`)).toEqual(["wrk_2", "wrk_1"]);
    expect(await idsOf("/dead-letters?page_size=2&page=2")).toEqual(["wrk_2", "wrk_1"]);
    expect(await idsOf("/dead-letters?task=refund")).toEqual(["wrk_4"]);
    expect(await ask("/dead-letters?task=nothing")).toMatchObject({ count: 0, results: [] });
    expect(await ask("/dead-letters?cursor=garbage")).toBe("400 invalid_query");
  });

  test("a payload that nobody can read is shown as it stands, a task of another version without a queue", async () => {
    await givenDead({ id: "wrk_1" });
    await env.DB.prepare("UPDATE work SET payload = '{', task = 'toString'").run();
    expect(await ask("/dead-letters")).toMatchObject({ results: [{ payload: "{", queue: null }] });
  });
});

describe("a retry of one", () => {
  test("is rung for at once, and done without a sweep", async () => {
    await givenDead({ id: "wrk_1" }, { id: "wrk_2" });
    expect(await ask("/dead-letters/wrk_1/retry", "POST")).toEqual({ retried: 1 });
    await untilDone("wrk_1");
    expect(await workRow("wrk_1")).toMatchObject({ attempts: 1, error: null });
    expect(await workRow("wrk_2")).toMatchObject({ state: "dead", attempts: 8 });
    expect(await idsOf("/dead-letters")).toEqual(["wrk_2"]);
    expect(await ask("/dead-letters/wrk_1/retry", "POST")).toBe("409 not_dead");
    expect(await taskEvents()).toEqual([
      {
        type: "task.retried",
        object_id: "wrk_1",
        object_version: 8,
        data: { task: "email", object_id: "ord_1", attempts: 8, error: "refused", actor },
      },
    ]);
  });

  test("is owed with all its attempts, due now and under nobody's lease", async () => {
    await givenDead({ id: "wrk_1" });
    // A task that no consumer of this version takes: it stays as the retry left it.
    await env.DB.prepare("UPDATE work SET task = 'of-another-version'").run();
    testClock.advance(60_000);
    expect(await ask("/dead-letters/wrk_1/retry", "POST")).toEqual({ retried: 1 });
    expect(await workRow("wrk_1")).toMatchObject({
      state: "owed",
      attempts: 0,
      lease: null,
      not_before: testClock.now(),
      finished_at: null,
      error: "refused",
    });
  });

  test("of eight at once one wins, and the log has one event", async () => {
    await givenDead({ id: "wrk_1" });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask("/dead-letters/wrk_1/retry", "POST")),
    );
    expect(answers.filter((answer) => answer !== "409 not_dead")).toEqual([{ retried: 1 }]);
    expect(await taskEvents()).toHaveLength(1);
  });

  test("is refused for what never died, what is unknown and what nobody could read", async () => {
    await owe({ id: "wrk_owed", not_before: testClock.now() + 60_000 });
    await givenUndelivered("wrk_message");
    expect(await ask("/dead-letters/wrk_owed/retry", "POST")).toBe("409 not_dead");
    expect(await ask("/dead-letters/wrk_nowhere/retry", "POST")).toBe("404 not_found");
    expect(await ask("/dead-letters/wrk_message/retry", "POST")).toBe("409 not_retryable");
    expect(await taskEvents()).toEqual([]);
  });
});

describe("a retry of all", () => {
  test("takes every one that can be, once: a second run does nothing", async () => {
    await givenDead({ id: "wrk_1" }, { id: "wrk_2" }, { id: "wrk_3" });
    await givenUndelivered("wrk_message");
    expect(await ask("/dead-letters/retry", "POST")).toEqual({ retried: 3 });
    expect(await ask("/dead-letters/retry", "POST")).toEqual({ retried: 0 });
    for (const id of ["wrk_1", "wrk_2", "wrk_3"]) await untilDone(id);
    expect(await idsOf("/dead-letters")).toEqual(["wrk_message"]);
    expect((await taskEvents()).map(({ object_id }) => object_id)).toEqual(["wrk_1", "wrk_2", "wrk_3"]);
  });

  test("goes on past its first batch", async () => {
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
       INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, created_at, finished_at)
       SELECT 'wrk_' || i, 'of-another-version', 'ord_1', '{}', 'dead', ?1, 8, ?1, ?1 FROM n`,
    )
      .bind(testClock.now())
      .run();
    expect(await ask("/dead-letters/retry", "POST")).toEqual({ retried: 1_100 });
    expect(await taskEvents()).toHaveLength(1_100);
  });

  test("two at once share what there is", async () => {
    const ids = Array.from({ length: 30 }, (_, index) => `wrk_${index}`);
    await givenDead(...ids.map((id) => ({ id })));
    const answers = (await Promise.all([
      ask("/dead-letters/retry", "POST"),
      ask("/dead-letters/retry", "POST"),
      ask("/dead-letters/wrk_7/retry", "POST"),
    ])) as [{ retried: number }, { retried: number }, { retried: number } | string];
    const single = typeof answers[2] === "string" ? 0 : answers[2].retried;
    expect(answers[0].retried + answers[1].retried + single).toBe(30);
    expect(await taskEvents()).toHaveLength(30);
  });
});

describe("dropping", () => {
  test("ends a dead mail, and a message that nobody could read", async () => {
    await givenDead({ id: "wrk_1" });
    await givenUndelivered("wrk_message");
    expect(await ask("/dead-letters/wrk_1", "DELETE")).toBe(204);
    expect(await ask("/dead-letters/wrk_message", "DELETE")).toBe(204);
    expect(await ask("/dead-letters/wrk_1", "DELETE")).toBe("404 not_found");
    expect(await idsOf("/dead-letters")).toEqual([]);
    expect(await taskEvents()).toMatchObject([
      { type: "task.dropped", object_id: "wrk_1", data: { task: "email", error: "refused", actor } },
      { type: "task.dropped", object_id: "wrk_message", data: { task: "undelivered", actor } },
    ]);
  });

  test.each(["follow", "payment-event", "refund"] as const)(
    "a dead %s is refused: stock or money hangs on it",
    async (task) => {
      await givenDead({ id: "wrk_1", task });
      expect(await ask("/dead-letters/wrk_1", "DELETE")).toBe("409 task_is_critical");
      expect(await workRow("wrk_1")).toMatchObject({ state: "dead" });
      expect(await taskEvents()).toEqual([]);
    },
  );

  test("what another version owed is refused too, and a living mail is not dead", async () => {
    await givenDead({ id: "wrk_1" });
    await env.DB.prepare("UPDATE work SET task = 'constructor'").run();
    await owe({ id: "wrk_owed", task: "email", not_before: testClock.now() + 60_000 });
    expect(await ask("/dead-letters/wrk_1", "DELETE")).toBe("409 task_is_critical");
    expect(await ask("/dead-letters/wrk_owed", "DELETE")).toBe("409 not_dead");
    expect(await ask("/dead-letters/wrk_nowhere", "DELETE")).toBe("404 not_found");
  });

  test("against a retry at once: one of both, and the log agrees", async () => {
    for (let round = 0; round < 5; round++) {
      const id = `wrk_${round}`;
      await givenDead({ id });
      const [retried, dropped] = await Promise.all([
        ask(`/dead-letters/${id}/retry`, "POST"),
        ask(`/dead-letters/${id}`, "DELETE"),
      ]);
      const events = (await taskEvents()).filter(({ object_id }) => object_id === id).map(({ type }) => type);
      if (dropped === 204) {
        expect(["404 not_found", "409 not_dead"]).toContain(retried);
        expect(events).toEqual(["task.dropped"]);
      } else {
        expect([retried, dropped]).toEqual([{ retried: 1 }, "409 not_dead"]);
        expect(events).toEqual(["task.retried"]);
      }
    }
  });
});

test.each([
  ["GET", "/dead-letters"],
  ["POST", "/dead-letters/retry"],
  ["POST", "/dead-letters/wrk_1/retry"],
  ["DELETE", "/dead-letters/wrk_1"],
  ["GET", "/tasks"],
  ["DELETE", "/tasks/wrk_1"],
])("%s %s is for staff", async (method, path) => {
  await givenDead({ id: "wrk_1" });
  const anyone = await exports.default.fetch(`http://shop.test/api/v1${path}`, { method });
  expect(await answerOf(anyone)).toBe("401 unauthenticated");
  const customer = await as("customer");
  expect(await answerOf(await customer.call(path, method))).toBe("403 forbidden");
  expect(await workRow("wrk_1")).toMatchObject({ state: "dead", attempts: 8 });
  expect(await taskEvents()).toEqual([]);
});
