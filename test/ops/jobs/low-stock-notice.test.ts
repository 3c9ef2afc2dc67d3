import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { applyReports } from "../../../src/inventory/projection/projection.ts";
import { sendLowStockNotice } from "../../../src/ops/jobs/low-stock-notice.ts";
import { api } from "../../catalog/api.ts";
import { atEveryCall } from "../../chaos/at-every-call.ts";
import { testContext } from "../../events/context.ts";
import { crowd, givenLevels, report, reportOf, unheard } from "../../inventory/reports.ts";
import { keptEmails, sendEmail } from "../../notifications/orders.ts";
import { testClock } from "../../support/clock.ts";
import { signIn } from "../../support/sign-in.ts";
import { type Cost, watchedDb } from "../../support/watched-db.ts";
import { DAY, goTo, notices } from "./shop-hours.ts";

beforeEach(() => goTo("2027-03-20T07:00:00Z"));

const THRESHOLD = { lowStockThreshold: 5 };
const run = () => sendLowStockNotice(testContext());
const subjects = async () => (await notices()).map(({ subject }) => subject);
const ONE = "1 product is low on stock";

describe("the low-stock notice", () => {
  test("names what is low over all stores, the scarcest first, once", async () => {
    const { skus } = await givenLevels(
      [
        [3, 2],
        [3, 3],
        [0, 0],
        [null, null],
      ],
      THRESHOLD,
    );
    expect(await run()).toBe("2 products are low on stock; a notice is owed");
    expect(await notices()).toEqual([
      {
        subject: "2 products are low on stock",
        lines: [
          `Product 3 (${skus[2]}): 0 available, threshold 5`,
          `Product 1 (${skus[0]}): 5 available, threshold 5`,
        ],
      },
    ]);
    expect(await run()).toBe(null);
    testClock.advance(2 * DAY);
    expect(await run()).toBe(null);
  });

  test("goes out once for each fall, and not again while what fell stays low", async () => {
    const { productIds, storeIds } = await givenLevels([[20]], THRESHOLD);
    const [product = ""] = productIds;
    const [store = ""] = storeIds;
    const told: (string | null)[] = [];
    for (const available of [6, 5, 4, 0, 5, 6, 5, 20, 0, 1]) {
      await report([product, { [store]: available }]);
      told.push(await run());
      testClock.advance(1);
    }
    const owed = `${ONE}; a notice is owed`;
    expect(told).toEqual([null, owed, null, null, null, null, owed, null, owed, null]);
    expect(await subjects()).toEqual([ONE, ONE, ONE]);
  });

  test("is not written again of a report that comes twice, or late", async () => {
    const { productIds, storeIds } = await givenLevels([[20]], THRESHOLD);
    const [product = ""] = productIds;
    const [store = ""] = storeIds;
    const [low, full, out] = [5, 20, 0].map((available) => reportOf(product, { [store]: available }));
    if (!low || !full || !out) throw new Error("three reports are three");
    const heard: string[] = [];
    for (const reports of [[low], [low], [low, low], [full], [low], [full, low], [out], [full], [low, out]]) {
      await applyReports(unheard(), reports);
      heard.push((await run()) ?? "nothing");
      testClock.advance(1);
    }
    const owed = `${ONE}; a notice is owed`;
    const nothing = "nothing";
    expect(heard).toEqual([owed, nothing, nothing, nothing, nothing, nothing, owed, nothing, nothing]);
  });

  test("names what fell and rose again between two runs, after what is low", async () => {
    const { productIds, storeIds, skus } = await givenLevels([[20], [20]], THRESHOLD);
    const [dipped = "", low = ""] = productIds;
    const [store = ""] = storeIds;
    const to = (product: string, available: number) => report([product, { [store]: available }]);
    await to(dipped, 2);
    await to(low, 3);
    await to(dipped, 30);
    await run();
    expect((await notices())[0]?.lines).toEqual([
      `Product 2 (${skus[1]}): 3 available, threshold 5`,
      `Product 1 (${skus[0]}): 30 available, threshold 5; it had been low`,
    ]);
    expect(await run()).toBe(null);
    await to(dipped, 1);
    expect(await run()).toBe(`${ONE}; a notice is owed`);
  });

  test("is not written of a product that is only being moved between stores", async () => {
    const { productIds, storeIds } = await givenLevels([[20, 0]], THRESHOLD);
    const [product = ""] = productIds;
    const [from = "", to = ""] = storeIds;
    await report([product, { [from]: 0, [to]: 20 }], [product, { [from]: 20, [to]: 0 }]);
    expect(await run()).toBe(null);
  });

  test("hears of a threshold that is raised over what there is, and of a return to sale", async () => {
    const { productIds } = await givenLevels([[20], [4]], THRESHOLD);
    const [raised = "", archived = ""] = productIds;
    const { headers } = await signIn("staff");
    const patch = (id: string, change: unknown) => api("PATCH", `/products/${id}`, headers, change);
    await patch(archived, { active: false });
    expect(await run()).toBe(null);
    await patch(raised, { low_stock_threshold: 20 });
    expect(await run()).toBe(`${ONE}; a notice is owed`);
    await patch(raised, { low_stock_threshold: 30 });
    await patch(raised, { price: { amount: "3" } });
    expect(await run()).toBe(null);
    await patch(raised, { low_stock_threshold: 19 });
    await patch(raised, { low_stock_threshold: 20 });
    await patch(archived, { active: true });
    expect(await run()).toBe("2 products are low on stock; a notice is owed");
    expect(await run()).toBe(null);
  });

  test("names two hundred, and says how many more", async () => {
    await givenLevels([[20]]);
    await crowd(0, 203, (i) => `${i} % 5`);
    await env.DB.prepare("UPDATE products SET low_stock_threshold = 5").run();
    await run();
    const [notice] = await notices();
    expect(notice?.subject).toBe("203 products are low on stock");
    expect(notice?.lines).toHaveLength(201);
    expect(notice?.lines.at(-1)).toBe("and 3 more");
    expect(await run()).toBe(null);
  });

  test("is written once by many at once, and with what falls meanwhile nothing is left out", async () => {
    const { productIds, storeIds } = await givenLevels(
      Array.from({ length: 8 }, () => [20]),
      THRESHOLD,
    );
    const falls = productIds.map(async (product) => report([product, { [storeIds[0] ?? ""]: 1 }]));
    await Promise.all(falls.flatMap((fall) => [fall, run()]));
    await run();
    const lines = (await notices()).flatMap((notice) => notice.lines);
    expect(lines.map((line) => line.slice(0, 9)).sort()).toEqual(
      productIds.map((_, index) => `Product ${index + 1}`),
    );
  });

  test("is owed once wherever its worker dies, and a later run makes up for it", async () => {
    await atEveryCall(async (boundary, ending) => {
      const { skus } = await givenLevels([[1]], THRESHOLD);
      const watched = testContext({ env: boundary.watch(env) });
      const dying = sendLowStockNotice(watched).catch(() => null);
      await (ending === null ? dying : Promise.race([dying, boundary.reached]));
      await run();
      await boundary.deliver();
      await run();
      const lines = (await notices()).flatMap((notice) => notice.lines);
      expect(lines.filter((line) => line.includes(skus[0] ?? ""))).toHaveLength(1);
    });
  });

  test("costs nothing that grows with what is stored, or was told of before", async () => {
    await givenLevels([[20]], THRESHOLD);
    const costs: Cost[] = [];
    for (const [from, to] of [
      [0, 20],
      [20, 2_000],
    ] as const) {
      await crowd(from, to, (i) => `${i} % 20`);
      await env.DB.prepare("UPDATE products SET low_stock_threshold = ?1")
        .bind(from + 11)
        .run();
      await run();
      const { db, cost } = watchedDb();
      expect(await sendLowStockNotice(testContext({ env: { ...env, DB: db } }))).toBe(null);
      costs.push(cost);
    }
    expect(costs[1]).toEqual(costs[0]);
    expect(costs[0]?.written).toBe(0);
    expect(costs[0]?.read).toBeLessThanOrEqual(12);
  });

  test("is not written where all is well, and waits for somebody who is to be told", async () => {
    const { productIds, storeIds } = await givenLevels([[6]], THRESHOLD);
    expect(await run()).toBe(null);
    await report([productIds[0] ?? "", { [storeIds[0] ?? ""]: 1 }]);
    const { ADMIN_EMAIL: _, ...settings } = testContext().settings;
    const nobody = () => sendLowStockNotice(testContext({ settings }));
    expect(await nobody()).toBe("1 product is low; ADMIN_EMAIL is not set, so nobody was told");
    expect(await notices()).toEqual([]);
    expect(await run()).toBe(`${ONE}; a notice is owed`);
    expect(await nobody()).toBe(null);
  });
});

describe("a notice", () => {
  const task = (lines: string[]) => ({
    id: "wrk_1",
    objectId: "inventory",
    payload: { template: "notice", subject: "Look <here>", lines },
    attempt: 1,
  });

  test("goes to ADMIN_EMAIL, and what it names is text and never markup", async () => {
    expect(await sendEmail(testContext(), task(["<b>a</b>", "b & c"]))).toEqual({ kind: "done" });
    const mails = await keptEmails();
    expect(mails).toMatchObject([
      {
        work_id: "wrk_1",
        to_address: "admin@shop.example",
        subject: "Look <here>",
        text: "Look <here>\n\n- <b>a</b>\n- b & c\n",
      },
    ]);
    expect(mails[0]?.html).toContain("<li>&lt;b&gt;a&lt;/b&gt;</li><li>b &amp; c</li>");
    expect(mails[0]?.html).not.toContain("Look <here>");
  });

  test("that nobody is there to read any more is done", async () => {
    const { ADMIN_EMAIL: _, ...settings } = testContext().settings;
    expect(await sendEmail(testContext({ settings }), task([]))).toEqual({ kind: "done" });
    expect(await keptEmails()).toEqual([]);
  });
});
