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
} from "../../payments/settle/endings.ts";
import { MINUTE, orderRow, rows, Till, tell } from "../../payments/settle/till.ts";
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
