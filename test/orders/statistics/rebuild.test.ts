import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ORDER_STATUSES } from "../../../src/orders/lifecycle.ts";
import { addUpDays } from "../../../src/orders/statistics/add-up.ts";
import { readStatistics } from "../../../src/orders/statistics/read.ts";
import { rebuildFigures } from "../../../src/orders/statistics/rebuild.ts";
import type { RefundOutcome } from "../../../src/payments/provider.ts";
import { testContext } from "../../events/context.ts";
import { goTo } from "../../ops/jobs/shop-hours.ts";
import { HOUR, MINUTE, QUIET, rows, Till, tell } from "../../payments/settle/till.ts";
import { testClock } from "../../support/clock.ts";
import { post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import { planOf } from "../../support/watched-db.ts";
import { answerOf, askUnder } from "../ask.ts";
import { staff } from "../fulfilment/staff.ts";
import { expectedFigures, figures, noting } from "./figures.ts";

/** Numbers that are the same at each run: mulberry32. */
function dice(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    below: (n: number) => Math.floor(next() * n),
    pick: <T>(of: T[]) => of[Math.floor(next() * of.length)] as T,
  };
}

const ORDERS = 120;
const AT_ONCE = 20;

/** A shop that sells for some days: 120 orders, each on a way of its own, through the real operations. */
async function liveThrough(seed: number) {
  const { below, pick } = dice(seed);
  const till = await Till.open(2_000, [1_000, 1_000], 20);
  const [plenty = "", spread = "", scarce = ""] = till.productIds;
  const { act, headers } = await staff();
  const refusals: RefundOutcome[] = [
    { kind: "settled", providerId: null },
    { kind: "refused", error: "no" },
  ];
  till.answer = () => pick(refusals);

  const draft = () => {
    const wanted = [
      [plenty, 1 + below(4)],
      ...(below(2) === 0 ? [[spread, 1 + below(3)]] : []),
      ...(below(6) === 0 ? [[scarce, 1 + below(9)]] : []),
    ];
    return {
      items: wanted.map(([product_id, quantity]) => ({ product_id, quantity })),
      customer: { name: "Ada", email: `ada${below(60)}@shop.example` },
      payment_method: pick(["card", "card", "invoice", "cash_on_delivery"]),
    };
  };
  const drafts = () => Array.from({ length: AT_ONCE }, draft);
  const place = async (body: unknown) => {
    const answer = await answerOf(post("/orders", body));
    return answer.status === 201 ? [answer.body] : [];
  };
  const placeBulk = async (orders: unknown[]) => {
    const { status, text } = await answerOf(post("/orders/bulk", { orders }));
    expect(status).toBe(200);
    const { results } = JSON.parse(text) as { results: { order?: Placed }[] };
    return results.flatMap(({ order }) => order ?? []);
  };
  type Placed = Awaited<ReturnType<typeof place>>[number];

  const step = async (order: Placed): Promise<void> => {
    const items = order.items as { product_id: string; quantity: number }[];
    switch (below(9)) {
      case 0:
      case 1:
        await tell(order);
        return;
      case 2:
        await act(order.id, "cancel", {});
        return;
      case 3:
        await act(order.id, "transitions", { to: "processing" });
        return;
      case 4:
        await act(order.id, "shipments", { items: [{ product_id: items[0]?.product_id, quantity: 1 }] });
        return;
      case 5:
        await act(order.id, "close");
        return;
      case 6:
        await act(order.id, "shipments");
        return;
      case 7:
        await act(order.id, "transitions", { to: "delivered" });
        return;
      case 8: {
        const [payment] = await rows<{ id: string }>("SELECT id FROM payments WHERE order_id = ?1", order.id);
        if (payment)
          await askUnder(QUIET, "POST", `/payments/${payment.id}/refund`, { amount: "1.00" }, headers);
        const all = below(2) === 0;
        const back = items.map(({ product_id, quantity }) => ({ product_id, quantity: all ? quantity : 1 }));
        await act(order.id, "returns", { items: back, store_id: till.storeIds[0], reason: "back" });
      }
    }
  };

  const all: Placed[] = [];
  for (let placed = 0; placed < ORDERS; placed += AT_ONCE) {
    const inBulk = placed % (3 * AT_ONCE) === 0;
    all.push(...(inBulk ? await placeBulk(drafts()) : (await Promise.all(drafts().map(place))).flat()));
    const moved = new Map(Array.from({ length: 2 * AT_ONCE }, () => pick(all)).map((one) => [one.id, one]));
    for (let again = 0; again < 2; again++) await Promise.all([...moved.values()].map(step));
    await till.drain();
    testClock.advance(below(4) * HOUR + below(60) * MINUTE + below(60_000));
    await till.expire();
    await till.drain();
    // As the minute after a midnight does, and now and then a day too late.
    if (below(2) === 0) await addUpDays(testContext());
  }
  // Some wait for their payment still.
  await Promise.all(drafts().map(place));
}

describe("the figures", () => {
  test("are what 120 orders went through, and are made again from them the same, row by row", async () => {
    goTo("2027-03-20T10:00:00Z");
    await liveThrough(7);
    const lived = await figures();
    const [seen] = await rows<Record<string, number>>(
      `SELECT sum(status = 'rejected') AS rejected, sum(dropped_at > sold_at) AS dropped,
         sum(dropped_at IS NOT NULL AND status <> 'cancelled') AS closed, sum(sold_at > created_at) AS paid FROM orders`,
    );
    const refunds = await rows("SELECT DISTINCT state FROM refunds ORDER BY state");
    // All that the figures tell apart has happened.
    const statuses = await rows<{ status: string }>("SELECT DISTINCT status FROM orders");
    expect(statuses.map(({ status }) => status).sort()).toEqual([...ORDER_STATUSES].sort());
    for (const happened of ["rejected", "dropped", "closed", "paid"])
      expect(seen?.[happened]).toBeGreaterThan(2);
    expect(refunds).toEqual([{ state: "failed" }, { state: "settled" }]);

    expect(lived).toEqual(await expectedFigures());

    await env.DB.batch(
      [
        "DELETE FROM order_figures WHERE start % 7 = 0",
        "UPDATE order_figures SET amount = amount + 5, refunded = 0",
        "UPDATE product_figures SET units = 1",
        "INSERT INTO product_figures VALUES ('day', 0, 'prd_none', 3), ('all', 0, 'prd_none', 3)",
        "INSERT INTO order_figures VALUES ('quarter', 900000, 'XXX', 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1)",
      ].map((sql) => env.DB.prepare(sql)),
    );
    expect(await figures()).not.toEqual(lived);
    // A part, and on from there.
    const first = await rebuildFigures(testContext(), null, { days: 2, patience: 20_000 });
    expect(first).toEqual({ days: 2, next: "2027-03-20" });
    expect((await rebuildFigures(testContext(), first.next)).next).toBe(null);
    expect(await figures()).toEqual(lived);
  }, 180_000);

  test("are made again while orders go on, by many at once", async () => {
    const till = await Till.open(500);
    const buy = () => till.order({ payment_method: "invoice" });
    await Promise.all(Array.from({ length: 10 }, buy));
    await env.DB.prepare("DELETE FROM product_figures").run();
    await Promise.all([
      ...Array.from({ length: 10 }, buy),
      ...Array.from({ length: 4 }, () => rebuildFigures(testContext(), null)),
    ]);
    await rebuildFigures(testContext(), null);
    expect(await figures()).toEqual(await expectedFigures());
    testClock.advance(HOUR);
    await buy();
    expect(await figures()).toEqual(await expectedFigures());
  });

  test.each([
    ["forgotten", "DELETE FROM figures_added_up"],
    ["set back", "UPDATE figures_added_up SET until = 0"],
    ["set ahead", "UPDATE figures_added_up SET until = until + 40 * 86400000"],
  ])("are made to fit when a hand has %s how far the days are added up", async (_, sql) => {
    goTo("2027-03-20T10:00:00Z");
    const till = await Till.open(50);
    await till.order({ payment_method: "invoice" });
    testClock.advance(30 * HOUR);
    await addUpDays(testContext());
    await till.order({ payment_method: "invoice" });
    await env.DB.prepare(sql).run();
    expect((await rebuildFigures(testContext(), null)).next).toBe(null);
    expect(await figures()).toEqual(await expectedFigures());
    testClock.advance(30 * HOUR);
    await till.order({ payment_method: "invoice" });
    await addUpDays(testContext());
    expect(await figures()).toEqual(await expectedFigures());
    const read = await readStatistics(testContext(), { from: undefined, to: undefined });
    expect(read).toMatchObject({ statistics: { total: 3, units_sold: 3, top_products: [{ units: 3 }] } });
  });

  test("are made again day by day, each read by an index", async () => {
    const seen: string[] = [];
    await (await Till.open(5)).order({ payment_method: "invoice" });
    await rebuildFigures(testContext({ env: { ...env, DB: noting(seen) } }), null);
    const scans: string[] = [];
    for (const sql of seen) {
      const plan = await planOf(sql);
      scans.push(...plan.filter((detail) => /^SCAN (o|i|r|orders|order_items|refunds)\b/.test(detail)));
    }
    expect(seen.length).toBeGreaterThan(8);
    expect(scans).toEqual([]);
  });

  test("of one day go by an admin's request, and go on after it", async () => {
    const till = await Till.open(5);
    await till.order({ payment_method: "invoice" });
    const before = await figures();
    await env.DB.batch(["order_figures", "product_figures"].map((t) => env.DB.prepare(`DELETE FROM ${t}`)));
    const { headers } = await signIn("admin");
    const rebuild = (body?: unknown, by = headers) => answerOf(post("/orders/statistics/rebuild", body, by));
    expect((await rebuild()).body).toEqual({ days: 1, next: null });
    expect(await figures()).toEqual(before);
    const today = new Date(testClock.now()).toISOString().slice(0, 10);
    expect((await rebuild({ after: today })).body).toEqual({ days: 0, next: null });
    expect((await rebuild({ after: "2026-02-30" })).status).toBe(422);
    expect((await rebuild({}, (await signIn("staff")).headers)).status).toBe(403);
  });
});
