import { describe, expect, test } from "vitest";
import { testClock } from "../../support/clock.ts";
import { Desk, notices } from "./by-staff.ts";
import { eventRow, eventTypes, HOUR, MINUTE, orderRow, refundRows, rows, Till, tell } from "./till.ts";

const WAITING = { state: "owed", outcome: "waiting" };

async function given() {
  const till = await Till.open(5);
  till.waitHours = 24;
  return { till, order: await till.order() };
}

/** Lets so much time pass; each task looks again when it is due. */
async function pass(till: Till, hours: number) {
  for (let hour = 0; hour < hours; hour++) {
    testClock.advance(HOUR);
    await till.drain();
  }
}

describe("what nothing explains yet", () => {
  test("waits, is looked at less and less often, and costs its task no attempt", async () => {
    const { till, order } = await given();
    const { eventId, workId } = await tell(order, { kind: "refunded", amount: 500 });
    const looks: number[] = [];
    const began = testClock.now();
    for (let minute = 0; minute <= 300; minute++) {
      const [before] = await rows("SELECT started_at FROM work WHERE id = ?1", workId);
      await till.drain();
      const [after] = await rows("SELECT started_at, attempts FROM work WHERE id = ?1", workId);
      if (before?.started_at !== after?.started_at) looks.push((testClock.now() - began) / MINUTE);
      expect(after?.attempts).toBe(0);
      testClock.advance(MINUTE);
    }
    expect(looks).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 124, 184, 244]);
    expect(await eventRow(eventId)).toMatchObject(WAITING);
    expect(await notices()).toEqual([]);
  });

  test("does not keep its order from expiring", async () => {
    const { till, order } = await given();
    await tell(order, { kind: "refunded", amount: 500 });
    expect(await orderRow(order.id)).toMatchObject({ events_owed: 1 });
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ events_owed: 0 });
    testClock.advance(31 * MINUTE);
    await till.expire();
    expect(await orderRow(order.id)).toMatchObject({ status: "expired" });
  });

  test("reaches staff after a day, once, and they can have it looked at again", async () => {
    const { till, order } = await given();
    const desk = await Desk.open();
    const { eventId } = await tell(order, { kind: "refunded", amount: 500 });
    await till.drain();
    await pass(till, 23);
    expect(await eventRow(eventId)).toMatchObject(WAITING);
    expect((await desk.retry(eventId)).body).toMatchObject({ code: "event_not_flagged", state: "owed" });
    await pass(till, 2);
    expect(await eventRow(eventId)).toMatchObject({ state: "flagged", outcome: "unknown_refund" });
    expect(await notices()).toHaveLength(1);

    // What it was of comes only now.
    await tell(order);
    await till.drain();
    const key = { "idempotency-key": "again" };
    const answers = [await desk.retry(eventId, key), await desk.retry(eventId, key)];
    expect(answers.map(({ status, body }) => [status, body.state, body.outcome])).toEqual([
      [200, "owed", null],
      [200, "owed", null],
    ]);
    expect(await orderRow(order.id)).toMatchObject({ events_owed: 1 });
    await till.drain();
    expect(await eventRow(eventId)).toMatchObject({ state: "done", outcome: "refund_recorded" });
    expect(await refundRows(order.id)).toMatchObject([{ amount: 500, state: "settled" }]);
    expect(await eventTypes(eventId)).toEqual(["payment.retried"]);
    expect(await orderRow(order.id)).toMatchObject({ events_owed: 0 });
    expect((await desk.retry(eventId)).status).toBe(409);
    await till.settle();
  });

  test("is explained by staff who match it to another order", async () => {
    const { till, order } = await given();
    const desk = await Desk.open();
    const { eventId } = await tell(order, { kind: "refunded", amount: 500 });
    await till.drain();
    await pass(till, 25);
    const paid = await till.order();
    await tell(paid);
    await till.drain();
    expect((await desk.match(eventId, { order: paid.reference })).status).toBe(200);
    await till.drain();
    expect(await eventRow(eventId)).toMatchObject({ state: "done", order_id: paid.id });
    expect(await refundRows(paid.id)).toMatchObject([{ amount: 500, state: "settled" }]);
    await till.settle();
  });

  test("of a payment that nobody here knows is unmatched after a day", async () => {
    const { till } = await given();
    const event = { provider: "stripe", providerId: "pi_elsewhere", kind: "refunded", amount: 500 } as const;
    const { eventId } = await tell(null, event);
    await till.drain();
    expect(await eventRow(eventId)).toMatchObject({ ...WAITING, order_id: null });
    await pass(till, 25);
    expect(await eventRow(eventId)).toMatchObject({ state: "unmatched" });
    expect(await notices()).toHaveLength(1);
  });

  test("is money that was taken for no order: that is staff's as soon as its task gives up", async () => {
    const { till } = await given();
    const { eventId } = await tell(null, { provider: "stripe", providerId: "pi_elsewhere", amount: 500 });
    await till.drain();
    expect(await eventRow(eventId)).toMatchObject({ state: "owed", outcome: null });
    await pass(till, 12);
    expect(await eventRow(eventId)).toMatchObject({ state: "unmatched" });
  });
});
