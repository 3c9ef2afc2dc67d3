import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { prefixed, systemIds } from "../../../src/platform/ids.ts";
import { Boundary, ENDINGS, type Ending } from "../../chaos/boundary.ts";
import { owe } from "../../events/rows.ts";
import { testClock } from "../../support/clock.ts";
import { post } from "../../support/shop.ts";
import { MINUTE, orderRow, refundRows, rows, Till, tell } from "./till.ts";

/**
 * Death at every await of what settles money: each scenario runs untouched, and then once for each call to another part
 * and each ending. The invariants of stock and of money hold at every step after it.
 */
async function atEveryCall(
  scenario: (boundary: Boundary, ending: Ending | null) => Promise<void>,
): Promise<string[]> {
  const recorded = new Boundary();
  await scenario(recorded, null);
  for (const at of recorded.calls.keys()) {
    for (const ending of ENDINGS) {
      const boundary = new Boundary({ at, ending });
      try {
        await scenario(boundary, ending);
      } catch (error) {
        throw new Error(`worker ${ending} at ${recorded.calls[at]} (call ${at})`, { cause: error });
      } finally {
        boundary.bury();
      }
    }
  }
  return recorded.calls;
}

const LONG = { timeout: 240_000 };
const TOTAL = 2 * 1999;

async function reserved(till: Till): Promise<number[]> {
  return Promise.all(till.productIds.map(async (id) => (await stockOf(env, id).levels()).reserved));
}

/** Paid with its stock, or expired with its refund; never both, never neither. */
async function mustBeEither(till: Till, orderId: string): Promise<"paid" | "expired"> {
  const order = await orderRow(orderId);
  const refunds = await refundRows(orderId);
  if (order?.status === "confirmed") {
    expect(order).toMatchObject({ payment_status: "paid", events_owed: 0, expires_at: null });
    expect(refunds).toEqual([]);
    expect([...till.paidOut]).toEqual([]);
    expect(till.mails).toEqual([orderId]);
    return "paid";
  }
  expect(order).toMatchObject({ status: "expired", payment_status: "refunded", events_owed: 0 });
  expect(refunds).toMatchObject([{ amount: TOTAL, state: "settled" }]);
  expect([...till.paidOut.values()]).toEqual([TOTAL]);
  expect(till.mails).toEqual([]);
  return "expired";
}

async function givenExpired(till: Till) {
  const order = await till.order();
  testClock.advance(31 * MINUTE);
  await till.expire();
  return order;
}

describe("a payment in time", () => {
  test("pays once, however its worker ends", LONG, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      const { workId } = await tell(order);
      await till.work([workId], boundary);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
      expect((await orderRow(order.id))?.version).toBe(2);
      expect(await reserved(till)).toEqual([1, 1]);
    });
    expect(calls).toEqual(["D1.all", "D1.batch", "D1.batch", "D1.run"]);
  });

  test("whose worker stalls anywhere while another does its work pays once", LONG, async () => {
    for (const at of [0, 1, 2, 3]) {
      const till = await Till.open(1, 1);
      const order = await till.order();
      const { workId } = await tell(order);
      const stalled = new Boundary({ at, ending: "stalls" });
      await till.work([workId], stalled);
      testClock.advance(5 * MINUTE);
      await till.drain();
      stalled.wake();
      await new Promise((resolve) => setTimeout(resolve, 60));
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
      expect((await orderRow(order.id))?.version).toBe(2);
    }
  });
});

describe("a late payment", () => {
  test("for which there is stock revives its order once, however its worker ends", LONG, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await givenExpired(till);
      const { workId } = await tell(order);
      await till.work([workId], boundary);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
      expect(await reserved(till)).toEqual([1, 1]);
    });
    expect(calls).toEqual([
      "D1.all",
      "D1.batch",
      "Stock.follow",
      "Stock.follow",
      "Stock.reserve",
      "Stock.reserve",
      "D1.batch",
      "D1.run",
    ]);
  });

  test(
    "for which there is none goes back once and holds nothing, however its worker ends",
    LONG,
    async () => {
      const calls = await atEveryCall(async (boundary) => {
        const till = await Till.open(2, 1);
        const order = await givenExpired(till);
        await till.drain();
        const other = await till.order({ payment_method: "invoice" });
        const { workId } = await tell(order);
        await till.work([workId], boundary);
        await till.mustHold();
        await till.settle();
        till.mails.splice(0, till.mails.length, ...till.mails.filter((id) => id !== other.id));
        expect(await mustBeEither(till, order.id)).toBe("expired");
        expect(await reserved(till)).toEqual([1, 1]);
      });
      expect(calls).toEqual([
        "D1.all",
        "D1.batch",
        "Stock.follow",
        "Stock.follow",
        "Stock.reserve",
        "Stock.reserve",
        "D1.batch",
        "Stock.follow",
        "Stock.follow",
        "D1.run",
      ]);
    },
  );

  test("that meets an abandoned claim lets it go and starts again under a fresh one", LONG, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await givenExpired(till);
      await till.drain();
      const { eventId, operation, workId } = await tell(order);
      // It died once with its units held, and the hold's question has written its fate since.
      const claim = prefixed("clm", operation);
      const [apple = ""] = till.productIds;
      const request = { claim, orderId: order.id, quantity: 1, stores: [], only: false };
      await stockOf(env, apple).reserve(apple, [request], testClock.now() + 60 * MINUTE);
      await env.DB.prepare(
        "INSERT INTO claims (id, fate, order_id, stamp, decided_at) VALUES (?1, 'abandoned', NULL, 'asked', 0)",
      )
        .bind(claim)
        .run();
      await till.work([workId], boundary);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
      const [{ operation: renewed } = { operation }] = await rows<{ operation: string }>(
        "SELECT operation FROM payment_events WHERE event_id = ?1",
        eventId,
      );
      expect(renewed).not.toBe(operation);
      expect((await orderRow(order.id))?.claim_id).toBe(prefixed("clm", renewed));
      expect(await reserved(till)).toEqual([1, 1]);
    });
    expect(calls.slice(0, 6)).toEqual([
      "D1.all",
      "D1.batch",
      "Stock.follow",
      "Stock.follow",
      "D1.run",
      "D1.batch",
    ]);
  });

  test(
    "whose worker stalls anywhere while its claim is let go and the units are sold harms nobody",
    LONG,
    async () => {
      for (let at = 0; at < 7; at++) {
        const till = await Till.open(1, 1);
        const order = await givenExpired(till);
        await till.drain();
        const { workId } = await tell(order);
        const stalled = new Boundary({ at, ending: "stalls" });
        await till.work([workId], stalled);
        // Its holds have asked and were let go; somebody else buys what is free.
        testClock.advance(2 * 60 * MINUTE);
        for (const id of till.productIds) {
          await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(id)));
        }
        const other = await till.order({ payment_method: "invoice" });
        stalled.wake();
        await new Promise((resolve) => setTimeout(resolve, 100));
        await till.mustHold();
        await till.settle();
        till.mails.splice(0, till.mails.length, ...till.mails.filter((id) => id !== other.id));
        expect(await mustBeEither(till, order.id)).toBe("expired");
        expect(await reserved(till)).toEqual([1, 1]);
      }
    },
  );

  test("under two workers at once, one of which ends anywhere, has one end", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await givenExpired(till);
      const { eventId, workId } = await tell(order);
      const twin = prefixed("wrk", systemIds.next());
      const payload = { provider: "standard", event_id: eventId };
      await owe({ id: twin, task: "payment-event", object_id: order.id, payload });
      await Promise.all([till.work([workId], boundary), till.work([twin])]);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
    });
  });
});

describe("expiry against payment at the same instant", () => {
  test("told first: paid, however the payment's worker ends", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      testClock.advance(30 * MINUTE);
      const { workId } = await tell(order);
      await Promise.all([till.work([workId], boundary), till.expire()]);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
      expect((await orderRow(order.id))?.version).toBe(2);
    });
  });

  test("expired first, and the stock sold: expired with a refund, however either ends", LONG, async () => {
    for (const who of ["payment", "expiry"] as const) {
      await atEveryCall(async (boundary) => {
        const till = await Till.open(1, 1);
        const order = await till.order();
        testClock.advance(30 * MINUTE);
        await till.expire(who === "expiry" ? boundary : undefined);
        await till.drain();
        const other = await post("/orders", {
          items: till.productIds.map((product_id) => ({ product_id, quantity: 1 })),
          customer: { name: "Bob", email: "bob@shop.example" },
          payment_method: "invoice",
        });
        const { workId } = await tell(order);
        await till.work([workId], who === "payment" ? boundary : undefined);
        await till.mustHold();
        await till.settle();
        till.mails.splice(0, till.mails.length, ...till.mails.filter((id) => id === order.id));
        expect(await mustBeEither(till, order.id)).toBe(other.status === 201 ? "expired" : "paid");
        expect(await reserved(till)).toEqual([1, 1]);
      });
    }
  });

  test("both at once, and the expiry ends anywhere: one or the other", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      testClock.advance(30 * MINUTE);
      const told = tell(order).then(({ workId }) => till.work([workId]));
      await Promise.all([till.expire(boundary), told]);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
    });
  });
});

describe("a refund", () => {
  test("of a second payment is asked for once, however its worker ends", LONG, async () => {
    const calls = await atEveryCall(async (boundary, ending) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      await tell(order);
      await till.drain();
      const { workId } = await tell(order);
      await till.work([workId]);
      const [refund] = await rows<{ id: string }>(
        "SELECT id FROM work WHERE task = 'refund' AND state = 'owed'",
      );
      await till.work([refund?.id ?? ""], boundary);
      await till.mustHold();
      await till.settle();
      expect(await refundRows(order.id)).toMatchObject([{ amount: TOTAL, state: "settled" }]);
      expect([...till.paidOut.values()]).toEqual([TOTAL]);
      expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
      // Only a death or failure between the provider's answer and the mark asks again, under the same id.
      const again = ["provider.refund", "D1.batch"].includes(boundary.calls.at(-1) ?? "");
      if (ending === null || !again) expect(till.asked).toHaveLength(1);
      expect(new Set(till.asked).size).toBe(1);
    });
    expect(calls).toEqual(["D1.all", "D1.batch", "provider.refund", "D1.batch", "D1.run"]);
  });

  test("of a whole order is promised and sent once, however its worker ends", LONG, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      await tell(order);
      await till.drain();
      await post(`/orders/${order.id}/cancel`, {}, { "X-Order-Token": order.access_token ?? "" });
      await env.DB.prepare("DELETE FROM work WHERE task = 'refund'").run();
      const id = prefixed("wrk", systemIds.next());
      const payload = { order_id: order.id, amount: null, reason: "cancelled" };
      await owe({ id, task: "refund", object_id: order.id, payload });
      await till.work([id], boundary);
      await till.settle();
      expect(await refundRows(order.id)).toMatchObject([{ id: id.replace("wrk", "rfd"), state: "settled" }]);
      expect([...till.paidOut.values()]).toEqual([TOTAL]);
      expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "refunded" });
      expect(await reserved(till)).toEqual([0, 0]);
    });
    expect(calls).toEqual([
      "D1.all",
      "D1.batch",
      "D1.batch",
      "D1.batch",
      "provider.refund",
      "D1.batch",
      "D1.run",
    ]);
  });
});
