import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { prefixed, systemIds } from "../../../src/platform/ids.ts";
import { owe } from "../../events/rows.ts";
import {
  atEveryCall,
  forgetMailsBut,
  givenExpired,
  LONG,
  mustBeEither,
  reserved,
  TOTAL,
} from "../../payments/settle/endings.ts";
import { MINUTE, orderRow, Till, tell } from "../../payments/settle/till.ts";
import { testClock } from "../../support/clock.ts";
import { Boundary } from "../boundary.ts";

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
      // The old claim lets go, and the order gets one to try with.
      "Stock.follow",
      "Stock.follow",
      "D1.run",
      "D1.batch",
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
        await till.order({ payment_method: "invoice" });
        const { workId } = await tell(order);
        await till.work([workId], boundary);
        await till.mustHold();
        await till.settle();
        forgetMailsBut(till, order.id);
        expect(await mustBeEither(till, order.id)).toBe("expired");
        expect(await reserved(till)).toEqual([1, 1]);
      });
      expect(calls).toEqual([
        "D1.all",
        "D1.batch",
        "Stock.follow",
        "Stock.follow",
        "D1.run",
        "D1.batch",
        "Stock.reserve",
        "Stock.reserve",
        // Whose claims stand in the way.
        "D1.all",
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
      const { workId } = await tell(order);
      // It was tried once: a worker died with units held, and the hold's question has written the claim's fate since.
      const claim = prefixed("clm", systemIds.next());
      const [apple = ""] = till.productIds;
      const request = { claim, orderId: order.id, quantity: 1, stores: [], only: false };
      await stockOf(env, apple).reserve(apple, [request], testClock.now() + 60 * MINUTE);
      await env.DB.prepare(
        "INSERT INTO claims (id, fate, order_id, stamp, decided_at) VALUES (?1, 'abandoned', NULL, 'asked', 0)",
      )
        .bind(claim)
        .run();
      await env.DB.prepare("UPDATE orders SET revival_claim = ?2 WHERE id = ?1").bind(order.id, claim).run();
      await till.work([workId], boundary);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
      const after = await orderRow(order.id);
      expect(after?.revival_claim).not.toBe(claim);
      expect(after?.claim_id).toBe(after?.revival_claim);
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
      for (let at = 0; at < 9; at++) {
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
        await till.order({ payment_method: "invoice" });
        stalled.wake();
        await new Promise((resolve) => setTimeout(resolve, 100));
        await till.mustHold();
        await till.settle();
        forgetMailsBut(till, order.id);
        expect(await mustBeEither(till, order.id)).toBe("expired");
        expect(await reserved(till)).toEqual([1, 1]);
      }
    },
  );

  test("beside another for the same order, whose workers end anywhere, revives it once", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await givenExpired(till);
      const [first, second] = [await tell(order), await tell(order)];
      await Promise.all([till.work([first.workId], boundary), till.work([second.workId])]);
      await till.mustHold();
      await till.settle();
      expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
      expect([...till.paidOut.values()]).toEqual([TOTAL]);
      expect(await reserved(till)).toEqual([1, 1]);
    });
  });

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
