import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { owe, workRow } from "../../events/rows.ts";
import { askUnder, order, read, refusalOf, tokenOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop } from "../../support/shop.ts";
import { type SignedIn, signIn } from "../../support/sign-in.ts";
import { goTo, HOUR, MINUTE, momentsRun, reportDates, runsOf, tick } from "./shop-hours.ts";

let staff: SignedIn;
beforeEach(async () => {
  goTo("2027-03-20T10:00:30Z");
  staff = await signIn("staff");
});

const ask = (method: string, path: string, body?: unknown, settings: Record<string, unknown> = {}) =>
  askUnder(settings, method, path, body, staff.headers);
const change = (name: string, body: unknown) => ask("PATCH", `/jobs/${name}`, body);
const run = (name: string, body?: unknown, settings?: Record<string, unknown>) =>
  ask("POST", `/jobs/${name}/run`, body, settings);

test("the jobs, as they were built", async () => {
  const { status, body } = await ask("GET", "/jobs", undefined, { TIME_ZONE: "Europe/Berlin" });
  expect([status, body.count, body.has_next]).toEqual([200, 7, false]);
  const at = (next: string) => ({ enabled: true, last_run: null, next_at: `${next}:00.000Z` });
  expect(body.results).toEqual([
    { name: "expire-unpaid", schedule: "* * * * *", ...at("2027-03-20T10:01") },
    { name: "resolve-delayed", schedule: "* * * * *", ...at("2027-03-20T10:01") },
    { name: "send-owed", schedule: "* * * * *", ...at("2027-03-20T10:01") },
    { name: "daily-report", schedule: "0 0 * * *", ...at("2027-03-20T23:00") },
    { name: "low-stock-notice", schedule: "0 7 * * *", ...at("2027-03-21T06:00") },
    { name: "clean-up", schedule: "0 4 * * 0", ...at("2027-03-21T03:00") },
    { name: "reconcile-stock", schedule: "0 3 * * *", ...at("2027-03-21T02:00") },
  ]);
});

test("their last runs: done, failed, and cut off", async () => {
  await tick();
  const jobs = async () => (await ask("GET", "/jobs")).body.results;
  const at = new Date(testClock.now()).toISOString();
  expect((await jobs())[2].last_run).toEqual({
    at,
    outcome: "done",
    duration_ms: 0,
    detail: "nothing to do",
  });
  await env.DB.prepare("UPDATE job_runs SET outcome = 'running', finished_at = NULL, detail = NULL").run();
  expect((await jobs())[2].last_run).toEqual({ at, outcome: "running", duration_ms: null, detail: null });
  testClock.advance(15 * MINUTE + 1);
  expect((await jobs())[2].last_run).toMatchObject({
    outcome: "failed",
    detail: "its worker died before it ended",
  });
});

describe("changing a job", () => {
  test("takes effect from now on: what the new rule would have named before is no missed moment", async () => {
    await tick();
    goTo("2027-03-20T10:40:30Z");
    const answer = await change("daily-report", { schedule: "30  10,11 * * *" });
    expect(answer.body).toMatchObject({ schedule: "30 10,11 * * *", next_at: "2027-03-20T11:30:00.000Z" });
    await tick();
    expect(await momentsRun("daily-report")).toEqual([]);
    goTo("2027-03-20T11:30:00Z");
    await tick();
    expect(await momentsRun("daily-report")).toEqual(["2027-03-20T11:30:00.000Z"]);
    expect((await change("daily-report", { schedule: null })).body.schedule).toBe("0 0 * * *");
  });

  test("switched off it does not run; on again it makes up for nothing", async () => {
    const admin = await signIn("admin");
    const off = await askUnder({}, "PATCH", "/jobs/expire-unpaid", { enabled: false }, admin.headers);
    expect(off.body).toMatchObject({ enabled: false, schedule: "* * * * *", next_at: null });
    await tick();
    testClock.advance(3 * MINUTE);
    await tick();
    expect(await momentsRun("expire-unpaid")).toEqual([]);
    expect(await momentsRun("send-owed")).toHaveLength(1);
    expect((await change("expire-unpaid", { enabled: true })).body.enabled).toBe(true);
    await tick();
    expect(await momentsRun("expire-unpaid")).toEqual([]);
    testClock.advance(MINUTE);
    await tick();
    expect(await momentsRun("expire-unpaid")).toEqual(["2027-03-20T10:04:00.000Z"]);
  });

  test("to what it is already leaves a moment that is due", async () => {
    await tick();
    testClock.advance(MINUTE);
    await change("send-owed", { enabled: true });
    await change("send-owed", {});
    await tick();
    expect(await momentsRun("send-owed")).toEqual(["2027-03-20T10:01:00.000Z"]);
  });

  test("to nothing writes nothing, and answers with the job", async () => {
    const rows = async () => (await env.DB.prepare("SELECT * FROM jobs ORDER BY name").all()).results;
    const untouched = { name: "clean-up", schedule: "0 4 * * 0", enabled: true, last_run: null };
    expect(await change("clean-up", {})).toMatchObject({ status: 200, body: untouched });
    expect(await rows()).toEqual([]);
    await change("clean-up", { schedule: "0 5 * * *", enabled: false });
    const before = await rows();
    testClock.advance(MINUTE);
    const answer = await change("clean-up", {});
    expect(answer.body).toMatchObject({ schedule: "0 5 * * *", enabled: false });
    expect(await rows()).toEqual(before);
  });

  test.each(["61 * * * *", "* * * *", "0 0 30 2 *", "@hourly", "", "* * * * * *", 5])(
    "%j is no rule",
    async (schedule) => {
      expect(refusalOf(await change("clean-up", { schedule }))).toEqual([422, "invalid_body", "schedule"]);
    },
  );
});

describe("what stock and money wait for", () => {
  const needed = ["expire-unpaid", "send-owed", "reconcile-stock"];
  test.each<[string, unknown, boolean]>([
    ...needed.flatMap((name): [string, unknown, boolean][] => [
      [name, { enabled: false }, true],
      [name, { enabled: false, schedule: null }, true],
      [name, { enabled: true }, false],
      [name, { schedule: null }, false],
      [name, {}, false],
      [name, { schedule: "0 3 1 * *" }, true],
      [name, { schedule: "0 3 * * 1" }, true],
      [name, { schedule: "0 3 29 2 *", enabled: true }, true],
    ]),
    ["expire-unpaid", { schedule: "*/15 * * * *" }, false],
    ["expire-unpaid", { schedule: "*/16 * * * *" }, true],
    ["send-owed", { schedule: "0 * * * *" }, true],
    ["send-owed", { schedule: "* 9-17 * * *" }, true],
    ["reconcile-stock", { schedule: "30 4 * * *" }, false],
    ["reconcile-stock", { schedule: "30 4,16 * * *" }, false],
    ["resolve-delayed", { enabled: false }, false],
    ["clean-up", { enabled: false, schedule: "0 3 1 * *" }, false],
  ])("%s %j is for admins: %s", async (name, body, forAdmins) => {
    const rows = async () => (await env.DB.prepare("SELECT * FROM jobs").all()).results;
    const answer = await change(name, body);
    if (!forAdmins) return expect([answer.status, "warning" in answer.body]).toEqual([200, false]);
    expect(refusalOf(answer)).toEqual([403, "forbidden"]);
    expect(answer.text).toContain(`Stock and money wait for ${name}: it needs the permission shop`);
    expect(await rows()).toEqual([]);
    const admin = await signIn("admin");
    const changed = await askUnder({}, "PATCH", `/jobs/${name}`, body, admin.headers);
    expect(changed).toMatchObject({ status: 200, body: { warning: expect.stringContaining("at least") } });
    expect((await change(name, { schedule: null, enabled: true })).body).not.toHaveProperty("warning");
  });
});

describe("running a job by hand", () => {
  test("twice is as safe as once, and leaves the schedule alone", async () => {
    const answer = await run("send-owed");
    expect(answer).toMatchObject({
      status: 200,
      body: {
        name: "send-owed",
        scheduled_for: null,
        outcome: "done",
        duration_ms: 0,
        detail: "nothing to do",
      },
    });
    await run("send-owed", {});
    await tick();
    expect(await momentsRun("send-owed")).toEqual([null, null, "2027-03-20T10:00:00.000Z"]);
  });

  test("as if then: unpaid orders expire and give their stock back", async () => {
    const { productIds } = await givenShop([[9]]);
    const [product = ""] = productIds;
    const placed = await order(basket({ [product]: 2 }, { payment_method: "card" }));
    expect((await run("expire-unpaid", { at: "2027-03-20T10:30:29Z" })).body.detail).toBe("nothing to do");
    const answer = await run("expire-unpaid", { at: "2027-03-20T12:31:00+02:00" });
    expect(answer.body).toMatchObject({
      at: "2027-03-20T10:00:30.000Z",
      scheduled_for: "2027-03-20T10:31:00.000Z",
      outcome: "done",
      detail: "expired 1",
    });
    expect((await read(`/orders/${placed.body.id}`, tokenOf(placed))).body.status).toBe("expired");
    await expect
      .poll(() => stockOf(env, product).levels(), { timeout: 5_000 })
      .toMatchObject({ reserved: 0 });
    expect((await run("expire-unpaid", { at: "2027-03-20T10:31:00Z" })).body.detail).toBe("nothing to do");
  });

  describe("as if then, what is owed", () => {
    /** Mails of orders that are gone: each is a no-op, done as soon as it is begun. */
    const oweMails = (...waits: number[]) =>
      owe(
        ...waits.map((wait, index) => ({
          id: `wrk_${index}`,
          task: "email" as const,
          payload: { template: "order_confirmation", order_id: "ord_gone" },
          not_before: testClock.now() + wait,
        })),
      );
    const stateOf = async (id: string) => (await workRow(id)).state;

    test("is done where it is due by then, and waits where it is due later", async () => {
      await oweMails(HOUR, 2 * HOUR, 2 * HOUR + 1, -MINUTE);
      const untouched = await workRow("wrk_2");
      expect((await run("send-owed", { at: "2027-03-20T12:00:30Z" })).body.detail).toBe("rang for 3");
      for (const id of ["wrk_0", "wrk_1", "wrk_3"])
        await expect.poll(() => stateOf(id), { timeout: 5_000 }).toBe("done");
      // By the hour at which it was, not at which it would have been.
      expect((await workRow("wrk_0")).finished_at).toBe(testClock.now());
      expect(await workRow("wrk_2")).toEqual(untouched);
      expect((await run("send-owed", { at: "2027-03-20T12:00:30Z" })).body.detail).toBe("nothing to do");
    });

    test("is left to who is at it, until the lease ends", async () => {
      await oweMails(0);
      const now = testClock.now();
      const lease = env.DB.prepare(
        "UPDATE work SET lease = 'theirs', attempts = 3, started_at = ?1, not_before = ?1 + 90000",
      );
      await lease.bind(now).run();
      expect((await run("send-owed", { at: "2027-03-20T12:00:00Z" })).body.detail).toBe("nothing to do");
      expect(await workRow("wrk_0")).toMatchObject({ lease: "theirs", not_before: now + 90_000 });
      testClock.advance(MINUTE);
      expect((await run("send-owed", { at: "2027-03-20T12:00:00Z" })).body.detail).toBe("rang for 1");
      await expect.poll(() => stateOf("wrk_0"), { timeout: 5_000 }).toBe("done");
    });

    test("of an hour that has passed is what was due then", async () => {
      await oweMails(-HOUR, -MINUTE);
      expect((await run("send-owed", { at: "2027-03-20T09:30:00Z" })).body.detail).toBe("rang for 1");
      await expect.poll(() => stateOf("wrk_0"), { timeout: 5_000 }).toBe("done");
      expect(await stateOf("wrk_1")).toBe("owed");
    });
  });

  test("as if then: the report of the day before, once", async () => {
    const at = { at: "2027-03-19T00:00:00Z" };
    expect((await run("daily-report", at)).body.detail).toBe("made 2027-03-18");
    expect((await run("daily-report", at)).body.detail).toBe("nothing to do");
    expect(await reportDates()).toEqual(["2027-03-18"]);
  });

  test("as if then is for local shops", async () => {
    const settings = { ENVIRONMENT: "production", MAIL_FROM: "a@shop.example" };
    const refused = await run("send-owed", { at: "2027-03-20T10:00:00Z" }, settings);
    expect(refusalOf(refused)).toEqual([403, "local_only", "at"]);
    expect((await run("send-owed", {}, settings)).status).toBe(200);
    expect(await runsOf()).toHaveLength(1);
  });

  test("that fails is an answer too", async () => {
    await owe({ id: "wrk_a" });
    await env.DB.prepare("ALTER TABLE work RENAME COLUMN not_before TO later").run();
    const { status, body } = await run("send-owed");
    expect([status, body.outcome]).toEqual([200, "failed"]);
    expect(body.detail).toContain("not_before");
  });

  test.each(["soon", "2027-03-20", 7])("%j is no time", async (at) => {
    expect(refusalOf(await run("send-owed", { at }))).toEqual([422, "invalid_body", "at"]);
  });
});

test("a job that is not there is a 404, and none of this is for buyers or guests", async () => {
  expect((await change("nothing", {})).status).toBe(404);
  expect((await run("nothing")).status).toBe(404);
  const buyer = await signIn();
  for (const [method, path, body] of [
    ["GET", "/jobs"],
    ["PATCH", "/jobs/clean-up", { enabled: false }],
    ["POST", "/jobs/clean-up/run", {}],
    ["GET", "/reports/daily"],
    ["GET", "/orders/delayed"],
  ] as const) {
    expect((await askUnder({}, method, path, body, buyer.headers)).status).toBe(403);
    expect((await askUnder({}, method, path, body)).status).toBe(401);
  }
});
