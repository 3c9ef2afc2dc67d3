import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { cleanUp } from "../../../src/ops/jobs/clean-up.ts";
import type { Context } from "../../../src/platform/context.ts";
import { createIds, prefixed } from "../../../src/platform/ids.ts";
import { databaseBytes } from "../../../src/platform/sql.ts";
import { testContext } from "../../events/context.ts";
import { givenOrder } from "../../notifications/orders.ts";
import { countOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { DAY, goTo } from "./shop-hours.ts";

beforeEach(() => goTo("2027-03-20T10:00:00Z"));

const idAt = (prefix: "ord" | "ses", at: number) =>
  prefixed(
    prefix,
    createIds(
      (length) => new Uint8Array(length).fill(7),
      () => at,
    ).next(),
  );

async function left(sql: string): Promise<unknown[]> {
  const { results } = await env.DB.prepare(sql).all<Record<string, unknown>>();
  return results.map((row) => Object.values(row)[0]);
}

/** What a clean-up says that it deleted. */
const deletedBy = async (context: Context) => (await cleanUp(context))?.split("; the database ")[0] ?? null;

/** An order that was placed `placed` ms ago and entered its status `since` ms ago, with a line of history each. */
async function orderWithHistory(
  name: number,
  status: string,
  placed: number,
  since: number,
): Promise<string> {
  const now = testClock.now();
  const id = `${idAt("ord", now - placed).slice(0, -2)}${name}0`;
  await givenOrder({ id, status });
  await env.DB.batch([
    env.DB.prepare("UPDATE orders SET status_at = ?2 WHERE id = ?1").bind(id, now - since),
    env.DB.prepare(
      `INSERT INTO order_history (order_id, version, to_status, at, actor, snapshot)
       VALUES (?1, 1, 'pending', ?2, 'test', '{}'), (?1, 2, ?3, ?4, 'test', '{}')`,
    ).bind(id, now - placed, status, now - since),
  ]);
  return id;
}

test("history goes with orders that ended before the retention, to the millisecond; the orders stay", async () => {
  const limit = 90 * DAY;
  const ended = ["delivered", "returned", "cancelled", "expired", "rejected"];
  for (const [index, status] of ended.entries())
    await orderWithHistory(index, status, limit + DAY, limit + 1);
  const kept = [
    await orderWithHistory(5, "delivered", limit + DAY, limit),
    await orderWithHistory(6, "shipped", limit + DAY, limit + DAY),
    await orderWithHistory(7, "cancelled", limit - 1, limit - 1),
  ];
  expect(await deletedBy(testContext())).toBe("deleted history lines of ended orders 10");
  expect(await left("SELECT DISTINCT order_id FROM order_history ORDER BY order_id")).toEqual(kept.sort());
  expect(await countOf("orders")).toBe(8);
  expect(await cleanUp(testContext())).toBe(null);
});

test("events, work done and job runs go by their age, to the millisecond; what is owed or dead stays", async () => {
  const limit = testClock.now() - 90 * DAY;
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO events (id, type, at, object_type, object_id, object_version, data)
       SELECT 'evt', 't', value, 'order', 'o', 1, '{}' FROM json_each(?1)`,
    ).bind(JSON.stringify([limit - 2, limit - 1, limit, limit + 1])),
    env.DB.prepare(
      `INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, created_at, finished_at)
       SELECT value ->> 0, 'follow', 'o', '{}', value ->> 1, 1, 1, 1, value ->> 2 FROM json_each(?1)`,
    ).bind(
      JSON.stringify([
        ["old", "done", limit - 1],
        ["young", "done", limit],
        ["dead", "dead", limit - DAY],
        ["owed", "owed", null],
      ]),
    ),
    env.DB.prepare(
      `INSERT INTO job_runs (id, name, started_at, outcome) SELECT value, 'x', value, 'done' FROM json_each(?1)`,
    ).bind(JSON.stringify([limit - 1, limit])),
  ]);
  expect(await deletedBy(testContext())).toBe("deleted events 2, tasks done 1, job runs 1");
  expect(await left("SELECT at FROM events ORDER BY seq")).toEqual([limit, limit + 1]);
  expect(await left("SELECT id FROM work ORDER BY id")).toEqual(["dead", "owed", "young"]);
  expect(await left("SELECT started_at FROM job_runs")).toEqual([limit]);
});

test("the newest event stays however old it is, so that the next has a number of its own", async () => {
  const write = (at: number) =>
    env.DB.prepare(
      "INSERT INTO events (id, type, at, object_type, object_id, object_version, data) VALUES ('e', 't', ?1, 'order', 'o', 1, '{}')",
    )
      .bind(at)
      .run();
  for (const at of [1, 2, 3]) await write(at);
  expect(await deletedBy(testContext())).toBe("deleted events 2");
  expect(await cleanUp(testContext())).toBe(null);
  await write(4);
  expect(await left("SELECT seq FROM events ORDER BY seq")).toEqual([3, 4]);
});

test("a retention of 0 keeps what has one", async () => {
  await orderWithHistory(0, "delivered", 900 * DAY, 900 * DAY);
  const { settings } = testContext();
  expect(await cleanUp(testContext({ settings: { ...settings, RETENTION_DAYS: 0 } }))).toBe(null);
  expect(await countOf("order_history")).toBe(2);
});

test("tokens go when they expire, sessions when they ended and are older than a token lives, mails after a week", async () => {
  const now = testClock.now();
  const session = (name: number, age: number, revoked: number | null, used: number) =>
    env.DB.prepare(
      "INSERT INTO sessions (id, user_id, created_at, last_used_at, revoked_at) VALUES (?1, 'u', 1, ?2, ?3)",
    ).bind(`${idAt("ses", now - age).slice(0, -2)}${name}0`, now - used, revoked);
  await env.DB.batch([
    session(0, 40 * DAY, now - DAY, 35 * DAY),
    session(1, 40 * DAY, null, 30 * DAY + 1),
    session(2, 40 * DAY, null, 30 * DAY),
    session(3, 10 * DAY, now - DAY, 10 * DAY),
    env.DB.prepare(
      `INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at)
       VALUES ('old', 's', 1, ?1), ('open', 's', 1, ?2)`,
    ).bind(now - 1, now),
    env.DB.prepare(
      `INSERT INTO emails (work_id, to_address, subject, text, html, sent_at)
       VALUES ('old', 'a', 's', 't', 'h', ?1), ('young', 'a', 's', 't', 'h', ?2)`,
    ).bind(now - 7 * DAY - 1, now - 7 * DAY),
  ]);
  expect(await deletedBy(testContext())).toBe(
    "deleted expired refresh tokens 1, ended sessions 2, kept mails 1",
  );
  expect(await left("SELECT substr(id, -2, 1) FROM sessions ORDER BY id")).toEqual(["2", "3"]);
  expect(await left("SELECT hash FROM refresh_tokens")).toEqual(["open"]);
  expect(await left("SELECT work_id FROM emails")).toEqual(["young"]);
});

test("carts go with what is in them when nobody touched them: guests' after 30 days, users' after 90", async () => {
  const now = testClock.now();
  const cart = (id: string, userId: string | null, untouched: number) =>
    env.DB.prepare(
      `INSERT INTO carts (id, user_id, version, stamp, created_at, updated_at) VALUES (?1, ?2, 1, 's', 1, ?3)`,
    ).bind(id, userId, now - untouched);
  await env.DB.batch([
    cart("guest-old", null, 30 * DAY + 1),
    cart("guest", null, 30 * DAY),
    cart("user-old", "usr_1", 90 * DAY + 1),
    cart("user", "usr_1", 90 * DAY),
    env.DB.prepare("INSERT INTO cart_items SELECT id, 'prd_1', 0, 1, 5, 'USD' FROM carts"),
  ]);
  expect(await deletedBy(testContext())).toBe("deleted guests' carts 1, users' carts 1");
  expect(await left("SELECT id FROM carts ORDER BY id")).toEqual(["guest", "user"]);
  expect(await left("SELECT cart_id FROM cart_items ORDER BY cart_id")).toEqual(["guest", "user"]);
});

test("says what the database took up before and after", async () => {
  const old = testClock.now() - 91 * DAY;
  await env.DB.prepare(
    `INSERT INTO events (id, type, at, object_type, object_id, object_version, data)
     SELECT 'evt', 't', ?2, 'order', 'o', 1, ?3 FROM json_each(?1)`,
  )
    .bind(JSON.stringify(Array.from({ length: 100 }, () => 0)), old, JSON.stringify("x".repeat(1_000)))
    .run();
  const result = await cleanUp(testContext());
  const [, before, after] = result?.match(/; the database had (\d+) bytes and has (\d+)$/) ?? [];
  expect(Number(before) - Number(after)).toBeGreaterThan(100 * 1_000);
  expect(Number(after)).toBe(await databaseBytes(env.DB));
});

test("goes on from where it was cut off, and through more than one chunk", async () => {
  const old = testClock.now() - 91 * DAY;
  await env.DB.prepare(
    `INSERT INTO events (id, type, at, object_type, object_id, object_version, data)
     SELECT 'evt', 't', ?2, 'order', 'o', 1, '{}' FROM json_each(?1)`,
  )
    .bind(JSON.stringify(Array.from({ length: 2_500 }, () => 0)), old)
    .run();
  let calls = 0;
  const DB = {
    prepare: (sql: string) => {
      if (sql.includes("FROM events") && ++calls === 2) throw new Error("cut off");
      return env.DB.prepare(sql);
    },
  } as unknown as D1Database;
  await expect(cleanUp(testContext({ env: { ...env, DB } }))).rejects.toThrow("cut off");
  expect(await countOf("events")).toBe(1_500);
  expect(await deletedBy(testContext())).toBe("deleted events 1499");
});
