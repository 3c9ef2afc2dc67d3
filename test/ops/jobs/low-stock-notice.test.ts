import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { sendEmail } from "../../../src/notifications/jobs.ts";
import { sendLowStockNotice } from "../../../src/ops/jobs/low-stock-notice.ts";
import { testContext } from "../../events/context.ts";
import { keptEmails } from "../../notifications/orders.ts";
import { givenCatalog } from "../../support/catalog.ts";
import { testClock } from "../../support/clock.ts";
import { DAY, goTo, HOUR, notices } from "./shop-hours.ts";

beforeEach(() => goTo("2027-03-20T07:00:00Z"));

/** Available units of each product in each store, with a threshold of 5; null where it was never stocked. */
async function givenLevels(levels: (number | null)[][]) {
  const given = await givenCatalog({ products: levels.length, stores: 2, lowStockThreshold: 5 });
  const rows = levels.flatMap((stores, product) =>
    stores.flatMap((available, store) =>
      available === null ? [] : [[given.productIds[product], given.storeIds[store], available]],
    ),
  );
  await env.DB.prepare(
    `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
     SELECT value ->> 0, value ->> 1, value ->> 2, 0, value ->> 2, 1, 1, 1 FROM json_each(?1)`,
  )
    .bind(JSON.stringify(rows))
    .run();
  return given;
}

describe("the low-stock notice", () => {
  test("names what is low over all stores, the scarcest first, in one mail a day", async () => {
    const { skus } = await givenLevels([
      [3, 2],
      [3, 3],
      [0, 0],
      [null, null],
    ]);
    expect(await sendLowStockNotice(testContext())).toBe("2 products are low; a notice is owed");
    const [first] = await notices();
    expect(first).toEqual({
      subject: "2 products are low on stock",
      lines: [
        `Product 3 (${skus[2]}): 0 available, threshold 5`,
        `Product 1 (${skus[0]}): 5 available, threshold 5`,
      ],
    });
    testClock.advance(16 * HOUR);
    await Promise.all(Array.from({ length: 4 }, () => sendLowStockNotice(testContext())));
    expect(await notices()).toHaveLength(1);
    testClock.advance(DAY);
    await Promise.all(Array.from({ length: 4 }, () => sendLowStockNotice(testContext())));
    expect(await notices()).toHaveLength(2);
  });

  test("is by the day of the shop's time zone", async () => {
    await givenLevels([[1]]);
    const { settings } = testContext();
    const auckland = testContext({ settings: { ...settings, TIME_ZONE: "Pacific/Auckland" } });
    await sendLowStockNotice(auckland);
    testClock.advance(4 * HOUR);
    await sendLowStockNotice(auckland);
    expect(await notices()).toHaveLength(2);
  });

  test("is not written where all is well, nor where nobody is to be told", async () => {
    await givenLevels([[6]]);
    expect(await sendLowStockNotice(testContext())).toBe(null);
    await givenLevels([[1]]);
    const { ADMIN_EMAIL: _, ...settings } = testContext().settings;
    expect(await sendLowStockNotice(testContext({ settings }))).toMatch(/ADMIN_EMAIL is not set/);
    expect(await notices()).toEqual([]);
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
