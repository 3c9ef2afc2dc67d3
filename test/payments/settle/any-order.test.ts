import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testClock } from "../../support/clock.ts";
import { tellStandard, tellStripe } from "../tell.ts";
import { HOUR, openPayment, orderRow, paymentRows, refundRows, rows, Till } from "./till.ts";

const TOTAL = 1999;

/** Whom a message is about, by the names that its provider has for them: `pi_3`, `re_1-3`. */
interface Schedule {
  number: number;
  reference: string;
}

/** A message of a provider, as it is sent. */
type Message = (about: Schedule) => Promise<unknown>;

let told = 0;
const stripe = (type: string, object: Record<string, unknown>) => {
  told += 1;
  return tellStripe({ id: `evt_any_${told}`, object: "event", type, data: { object } });
};

/** The payment names its order, as Stripe keeps it with the payment. */
const intent =
  (type: string): Message =>
  ({ number, reference }) =>
    stripe(type, { id: `pi_${number}`, amount: TOTAL, currency: "usd", metadata: { reference } });

/** A refund that was made at Stripe by hand: it names the payment alone. */
const byHand =
  (name: string, amount: number, type: string, status: string): Message =>
  ({ number }) =>
    stripe(type, {
      ...{ id: `re_${name}-${number}`, amount, currency: "usd", status },
      payment_intent: `pi_${number}`,
    });

const standard =
  (name: string, status: string, amount: number): Message =>
  ({ number, reference }) =>
    tellStandard({ event_id: `evt_${name}-${number}`, status, amount, reference });

const SUCCEEDED = intent("payment_intent.succeeded");
const FAILED = intent("payment_intent.payment_failed");
const CANCELED = intent("payment_intent.canceled");

/** All orders in which a few things can come. */
function permutations<T>(all: T[]): T[][] {
  if (all.length <= 1) return [all];
  return all.flatMap((first, place) =>
    permutations([...all.slice(0, place), ...all.slice(place + 1)]).map((rest) => [first, ...rest]),
  );
}

/** What stands of the order's money in the end. */
async function endOf(orderId: string) {
  const row = await orderRow(orderId);
  return {
    status: row?.status,
    payment: row?.payment_status,
    owed: row?.events_owed,
    // One that was opened and never paid says nothing of the messages.
    payments: (await paymentRows(orderId)).flatMap(({ status, captured, refunded }) =>
      status === "open" ? [] : [`${status} ${captured} ${refunded}`],
    ),
    refunds: (await refundRows(orderId)).map(({ amount, state }) => `${amount} ${state}`).sort(),
  };
}

const SETS: [what: string, messages: Message[], end: object][] = [
  [
    "Stripe's payment that failed at first, and a refund by hand of all of it",
    [FAILED, SUCCEEDED, byHand("1", TOTAL, "refund.created", "succeeded")],
    { payment: "refunded", payments: [`succeeded ${TOTAL} ${TOTAL}`], refunds: [`${TOTAL} settled`] },
  ],
  [
    "a refund by hand that failed after all",
    [
      SUCCEEDED,
      byHand("1", 500, "refund.created", "succeeded"),
      byHand("1", 500, "refund.updated", "succeeded"),
      byHand("1", 500, "refund.failed", "failed"),
    ],
    { payment: "paid", payments: [`succeeded ${TOTAL} 0`], refunds: ["500 failed"] },
  ],
  [
    "two refunds by hand of parts",
    [
      SUCCEEDED,
      byHand("1", 500, "refund.created", "succeeded"),
      byHand("2", 700, "refund.created", "succeeded"),
    ],
    {
      payment: "partially_refunded",
      payments: [`succeeded ${TOTAL} 1200`],
      refunds: ["500 settled", "700 settled"],
    },
  ],
  [
    "a payment, a late word that it was cancelled, and a refund by hand",
    [SUCCEEDED, CANCELED, byHand("1", TOTAL, "refund.created", "succeeded")],
    { payment: "refunded", payments: [`succeeded ${TOTAL} ${TOTAL}`], refunds: [`${TOTAL} settled`] },
  ],
  [
    "a standard provider's payment and its refund in two parts",
    [standard("1", "success", TOTAL), standard("2", "refunded", 500), standard("3", "refunded", 1499)],
    {
      payment: "refunded",
      payments: [`succeeded ${TOTAL} ${TOTAL}`],
      refunds: ["1499 settled", "500 settled"],
    },
  ],
];

describe.each(SETS)("%s", (_what, messages, end) => {
  test.each<[string, (till: Till) => Promise<void>]>([
    ["each worked off as it comes", (till) => till.drain()],
    ["all worked off in the end", async () => {}],
  ])("ends alike in every order of arrival, %s", async (_when, between) => {
    const till = await Till.open(100);
    till.waitHours = 24;
    const ends: [number, string, object][] = [];
    for (const [number, schedule] of permutations(messages).entries()) {
      const order = await till.order();
      if (number % 2 === 0) {
        await openPayment(order, { id: `pay_${number}`, provider: "stripe", providerId: `pi_${number}` });
      }
      for (const message of schedule) {
        // Twice, as providers do that had no answer.
        await message({ number, reference: order.reference });
        await message({ number, reference: order.reference });
        await between(till);
      }
      ends.push([number, order.id, schedule.map((message) => messages.indexOf(message))]);
    }
    // What still waits looks again after an hour at the latest.
    for (let hours = 0; hours < 2; hours++) {
      await till.drain();
      testClock.advance(HOUR);
    }
    await till.drain();
    for (const [number, orderId, schedule] of ends) {
      expect({ number, schedule, ...(await endOf(orderId)) }).toMatchObject({
        status: "confirmed",
        owed: 0,
        ...end,
      });
    }
    expect(await rows("SELECT event_id, state, outcome FROM payment_events WHERE state <> 'done'")).toEqual(
      [],
    );
    await till.mustHold();
  });
});

/** Of a payment of 1999, refunds by hand of at most 399 each, of which some fail in the end. */
const refundsMade = fc.array(fc.record({ amount: fc.integer({ min: 1, max: 399 }), fails: fc.boolean() }), {
  minLength: 1,
  maxLength: 5,
});

test("several refunds by hand end alike, whatever comes when and is worked off when", async () => {
  const till = await Till.open(1_000);
  till.waitHours = 24;
  let number = 0;
  await fc.assert(
    fc.asyncProperty(refundsMade, fc.infiniteStream(fc.nat(1_000)), async (made, chance) => {
      number += 1;
      const draw = () => chance.next().value as number;
      const order = await till.order();
      const messages = [
        SUCCEEDED,
        ...made.flatMap(({ amount, fails }, place) => [
          byHand(`${place}`, amount, "refund.created", "succeeded"),
          ...(fails ? [byHand(`${place}`, amount, "refund.failed", "failed")] : []),
        ]),
      ];
      while (messages.length > 0) {
        const [message] = messages.splice(draw() % messages.length, 1);
        await message?.({ number, reference: order.reference });
        if (draw() % 3 === 0) await till.drain();
      }
      await till.drain();
      testClock.advance(HOUR);
      await till.drain();
      const back = made.reduce((sum, { amount, fails }) => sum + (fails ? 0 : amount), 0);
      expect(await endOf(order.id)).toEqual({
        status: "confirmed",
        payment: back === 0 ? "paid" : "partially_refunded",
        owed: 0,
        payments: [`succeeded ${TOTAL} ${back}`],
        refunds: made.map(({ amount, fails }) => `${amount} ${fails ? "failed" : "settled"}`).sort(),
      });
    }),
    { numRuns: 15 },
  );
  await till.mustHold();
});
