import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { forgetOldKeys, KEY_LIFETIME_MS, OPEN_KEY_LIFETIME_MS } from "../../src/platform/idempotency-keys.ts";
import { testClock } from "../support/clock.ts";
import worker from "../support/worker.ts";
import { testContext } from "./context.ts";
import { owe, workRow } from "./rows.ts";

async function putKey(key: string, age: number, status: number | null): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO idempotency (scope, key, fingerprint, operation, status, body, created_at)
     VALUES ('public', ?1, 'f', 'o', ?2, ?2, ?3)`,
  )
    .bind(key, status, testClock.now() - age)
    .run();
}

async function keysLeft(): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT key FROM idempotency ORDER BY key").all<{ key: string }>();
  return results.map(({ key }) => key);
}

const runMinute = (given: Cloudflare.Env = env) =>
  worker.scheduled(createScheduledController(), given, createExecutionContext());

describe("the minute", () => {
  test("finds work that nobody rang for, and the queue's consumer does it", async () => {
    await owe({ id: "wrk_a", task: "email", payload: { template: "order_confirmation", order_id: "gone" } });
    await runMinute();
    await expect.poll(async () => (await workRow("wrk_a")).state, { timeout: 10_000 }).toBe("done");
  });

  test("one job's failure stops none of the others", async () => {
    await putKey("old", KEY_LIFETIME_MS + 1, 201);
    const prepare = (sql: string) => {
      if (/FROM (work|orders)/.test(sql)) throw new Error("that table is broken");
      return env.DB.prepare(sql);
    };
    const broken = { prepare, batch: (all: D1PreparedStatement[]) => env.DB.batch(all) };
    await runMinute({ ...env, DB: broken as unknown as D1Database });
    expect(await keysLeft()).toEqual([]);
  });
});

describe("old idempotency keys", () => {
  test("go a day after they were put down when answered, a week when not", async () => {
    await putKey("answered-young", KEY_LIFETIME_MS, 201);
    await putKey("answered-old", KEY_LIFETIME_MS + 1, 409);
    await putKey("open-old", KEY_LIFETIME_MS + 1, null);
    await putKey("open-oldest", OPEN_KEY_LIFETIME_MS, null);
    await putKey("open-abandoned", OPEN_KEY_LIFETIME_MS + 1, null);
    await putKey("answered-missed", OPEN_KEY_LIFETIME_MS + 1, 201);
    expect(await forgetOldKeys(testContext())).toBe(3);
    expect(await keysLeft()).toEqual(["answered-young", "open-old", "open-oldest"]);
    expect(await forgetOldKeys(testContext())).toBe(0);
  });
});
