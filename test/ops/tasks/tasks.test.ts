import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { runTasks, type TaskHandlers, type TaskOutcome } from "../../../src/events/run-tasks.ts";
import { isoTimestamp } from "../../../src/platform/clock.ts";
import { testContext } from "../../events/context.ts";
import { owe, workRow } from "../../events/rows.ts";
import { testClock } from "../../support/clock.ts";
import { answerOf, as, type Call, givenDead, taskEvents } from "./given.ts";

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

const allBy = (handle: TaskHandlers["email"]): TaskHandlers => ({
  email: handle,
  follow: handle,
  "end-payments": handle,
  "fulfilment-step": handle,
  "payment-event": handle,
  reconcile: handle,
  refund: handle,
  restock: handle,
});

describe("the list", () => {
  test("tells all of what is owed and what was done, the last made first", async () => {
    const created = testClock.now();
    await owe({ id: "wrk_1", task: "email", object_id: "ord_7" });
    const took = allBy(async () => {
      testClock.advance(120);
      return { kind: "done" };
    });
    await runTasks(testContext(), took, ["wrk_1"]);
    await owe({ id: "wrk_2", task: "follow", not_before: testClock.now() + 5 });
    const later = testClock.now() + 5;
    expect(await ask("/tasks")).toEqual({
      count: 2,
      page: 1,
      page_size: 20,
      total_pages: 1,
      has_next: false,
      has_previous: false,
      next_cursor: null,
      results: [
        {
          id: "wrk_2",
          task: "follow",
          queue: "orders",
          object_id: "ord_1",
          state: "owed",
          attempts: 0,
          error: null,
          not_before: isoTimestamp(later),
          created_at: isoTimestamp(created + 120),
          started_at: null,
          finished_at: null,
          duration_ms: null,
        },
        {
          id: "wrk_1",
          task: "email",
          queue: "notifications",
          object_id: "ord_7",
          state: "done",
          attempts: 1,
          error: null,
          not_before: isoTimestamp(created + 60_000),
          created_at: isoTimestamp(created),
          started_at: isoTimestamp(created),
          finished_at: isoTimestamp(created + 120),
          duration_ms: 120,
        },
      ],
    });
  });

  test("by state, by task, by page and by cursor", async () => {
    const future = testClock.now() + 60_000;
    await givenDead({ id: "wrk_dead" });
    await owe({ id: "wrk_1", not_before: future }, { id: "wrk_2", task: "refund", not_before: future });
    await owe({ id: "wrk_3", not_before: future }, { id: "wrk_done" });
    await env.DB.prepare("UPDATE work SET state = 'done', finished_at = 1 WHERE id = 'wrk_done'").run();

    const all = ["wrk_done", "wrk_dead", "wrk_3", "wrk_2", "wrk_1"];
    expect(await idsOf("/tasks")).toEqual(all);
    expect(await idsOf("/tasks?state=owed")).toEqual(["wrk_3", "wrk_2", "wrk_1"]);
    expect(await idsOf("/tasks?state=done")).toEqual(["wrk_done"]);
    expect(await idsOf("/tasks?state=dead")).toEqual(["wrk_dead"]);
    expect(await idsOf("/tasks?task=refund")).toEqual(["wrk_2"]);
    expect(await ask("/tasks?task=refund&state=done")).toMatchObject({ count: 0, results: [] });

    const seen: string[] = [];
    for (let query = "page_size=2"; query !== ""; ) {
      const page = await (await call(`/tasks?${query}`)).json<{
        results: { id: string }[];
        next_cursor: string | null;
      }>();
      seen.push(...page.results.map(({ id }) => id));
      query = page.next_cursor === null ? "" : `page_size=2&cursor=${page.next_cursor}`;
    }
    expect(seen).toEqual(all);
    expect(await idsOf("/tasks?state=owed&page_size=2&page=2")).toEqual(["wrk_1"]);
    expect(await ask("/tasks?state=lost")).toBe("400 invalid_query");
    expect(await ask("/tasks?cursor=garbage")).toBe("400 invalid_query");
  });
});

describe("revoking", () => {
  test("takes back what has not begun, for good", async () => {
    await owe({ id: "wrk_1", task: "email", not_before: testClock.now() + 60_000 });
    expect(await ask("/tasks/wrk_1", "DELETE")).toBe(204);
    expect(await ask("/tasks/wrk_1", "DELETE")).toBe("404 not_found");
    expect(await idsOf("/tasks")).toEqual([]);
    expect(await taskEvents()).toEqual([
      {
        type: "task.revoked",
        object_id: "wrk_1",
        object_version: 0,
        data: { task: "email", object_id: "ord_1", attempts: 0, error: null, actor },
      },
    ]);
  });

  test.each(["follow", "payment-event", "refund"] as const)(
    "a %s is refused: stock or money hangs on it",
    async (task) => {
      await owe({ id: "wrk_1", task, not_before: testClock.now() + 60_000 });
      expect(await ask("/tasks/wrk_1", "DELETE")).toBe("409 task_is_critical");
      expect(await workRow("wrk_1")).toMatchObject({ state: "owed", attempts: 0 });
      expect(await taskEvents()).toEqual([]);
    },
  );

  test("what is under way, has failed once, is done or dead is refused", async () => {
    const waiting = Promise.withResolvers<TaskOutcome>();
    await owe({ id: "wrk_busy", task: "email" }, { id: "wrk_failed", task: "email" });
    await owe({ id: "wrk_done", task: "email" });
    await givenDead({ id: "wrk_dead" });
    const outcomes: Record<string, TaskOutcome | Promise<TaskOutcome>> = {
      wrk_busy: waiting.promise,
      wrk_failed: { kind: "failed", error: "no" },
    };
    const handlers = allBy(async (_context, task) => outcomes[task.id] ?? { kind: "done" });
    const working = runTasks(testContext(), handlers, ["wrk_busy", "wrk_failed", "wrk_done"]);
    await expect.poll(async () => (await workRow("wrk_failed")).error).toBe("no");
    await expect.poll(async () => (await workRow("wrk_done")).state).toBe("done");

    expect(await ask("/tasks/wrk_busy", "DELETE")).toBe("409 already_begun");
    expect(await ask("/tasks/wrk_failed", "DELETE")).toBe("409 already_begun");
    expect(await ask("/tasks/wrk_done", "DELETE")).toBe("409 already_done");
    expect(await ask("/tasks/wrk_dead", "DELETE")).toBe("409 already_begun");
    expect(await taskEvents()).toEqual([]);
    waiting.resolve({ kind: "done" });
    await working;
    expect(await workRow("wrk_busy")).toMatchObject({ state: "done" });
  });

  test("against a worker's lease at once: revoked and never begun, or begun and not revoked", async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `wrk_${index}`);
    await owe(...ids.map((id) => ({ id, task: "email" as const })));
    const begun: string[] = [];
    const handlers = allBy(async (_context, task) => {
      begun.push(task.id);
      return { kind: "done" };
    });
    const [answers] = await Promise.all([
      Promise.all(ids.map((id) => ask(`/tasks/${id}`, "DELETE"))),
      runTasks(testContext(), handlers, ids),
    ]);
    const revoked = ids.filter((_, index) => answers[index] === 204);
    expect([...revoked, ...begun].sort()).toEqual([...ids].sort());
    for (const answer of answers) expect([204, "409 already_begun", "409 already_done"]).toContain(answer);
    expect((await taskEvents()).map(({ object_id }) => object_id).sort()).toEqual([...revoked].sort());
  });
});
