import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { StockReport } from "../../src/inventory/stock-types.ts";
import { consume } from "../../src/queues.ts";
import { testClock } from "../support/clock.ts";
import worker from "../support/worker.ts";
import { testContext } from "./context.ts";
import { owe, workRow } from "./rows.ts";

/** Hands a batch to the consumer and tells what became of each message. */
async function deliver(queue: string, bodies: unknown[], given: Cloudflare.Env = env, attempts = 1) {
  const batch = createMessageBatch(
    queue,
    bodies.map((body, index) => ({ id: `m${index}`, timestamp: testClock.now(), attempts, body })),
  );
  const execution = createExecutionContext();
  await worker.queue(batch, given, execution);
  const { ackAll, retryBatch, explicitAcks, retryMessages } = await getQueueResult(batch, execution);
  expect(retryBatch).toEqual({ retry: false });
  return { ackAll, acked: explicitAcks, retried: retryMessages };
}

const brokenDatabase = {
  prepare: () => {
    throw new Error("D1 is down");
  },
} as unknown as D1Database;

const report: StockReport = { productId: "prd_1", epoch: 1, version: 1, at: 1, levels: [] };

describe("the queues' consumer", () => {
  test.each(["orders", "payments", "notifications", "default"])(
    "%s: a bell is acknowledged whatever it rang for, an unreadable one comes again",
    async (queue) => {
      await owe({
        id: "wrk_a",
        task: "email",
        payload: { template: "order_confirmation", order_id: "gone" },
      });
      const outcome = await deliver(queue, [{ id: "wrk_a" }, "?", { id: "wrk_nowhere" }, { id: 7 }, null]);
      expect(outcome).toEqual({
        ackAll: false,
        acked: ["m0", "m2"],
        retried: [{ msgId: "m1" }, { msgId: "m3" }, { msgId: "m4" }],
      });
      expect(await workRow("wrk_a")).toMatchObject({ state: "done", attempts: 1 });
    },
  );

  test("bells are acknowledged while D1 is down too: the row is still owed, and the sweep rings again", async () => {
    await owe({ id: "wrk_a" });
    const outcome = await deliver("orders", [{ id: "wrk_a" }], { ...env, DB: brokenDatabase });
    expect(outcome).toEqual({ ackAll: false, acked: ["m0"], retried: [] });
    expect(await workRow("wrk_a")).toMatchObject({ state: "owed", attempts: 0 });
  });

  test("stock reports are acknowledged once applied; what is no report comes again", async () => {
    const outcome = await deliver("inventory", [report, { ...report, levels: [{ storeId: "x" }] }]);
    expect(outcome).toEqual({ ackAll: false, acked: ["m0"], retried: [{ msgId: "m1" }] });
  });

  test("a queue that nobody consumes is an error", async () => {
    const batch = createMessageBatch("refunds", []);
    await expect(consume(testContext(), batch)).rejects.toThrow("nobody consumes the queue refunds");
  });
});

describe("dead letters", () => {
  test("are kept as dead work with their body, once", async () => {
    const bodies = [{ id: 7 }, "text", null];
    expect(await deliver("dead-letters", bodies, env, 3)).toEqual({ ackAll: true, acked: [], retried: [] });
    expect(await deliver("dead-letters", bodies)).toEqual({ ackAll: true, acked: [], retried: [] });
    const { results } = await env.DB.prepare("SELECT * FROM work ORDER BY id").all();
    const kept = {
      task: "undelivered",
      object_id: "dead-letters",
      state: "dead",
      attempts: 3,
      error: "no consumer took it",
      created_at: testClock.now(),
      finished_at: testClock.now(),
    };
    expect(results).toMatchObject([
      { ...kept, id: "wrk_m0", payload: '{"body":{"id":7}}' },
      { ...kept, id: "wrk_m1", payload: '{"body":"text"}' },
      { ...kept, id: "wrk_m2", payload: '{"body":null}' },
    ]);
  });

  test("come again while they cannot be kept", async () => {
    const outcome = await deliver("dead-letters", [{ id: 7 }, "text"], { ...env, DB: brokenDatabase });
    expect(outcome).toEqual({ ackAll: false, acked: [], retried: [{ msgId: "m0" }, { msgId: "m1" }] });
  });
});
