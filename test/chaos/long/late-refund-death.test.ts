import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { providerOf } from "../../../src/payments/providers.ts";
import { requestRefund } from "../../../src/payments/refund.ts";
import { Operation } from "../../../src/platform/idempotency.ts";
import { systemIds } from "../../../src/platform/ids.ts";
import { checkSettings } from "../../../src/platform/settings.ts";
import { atEveryCall, LONG } from "../../payments/settle/endings.ts";
import {
  eventTypes,
  HOUR,
  openPayment,
  orderRow,
  paymentRows,
  refundRows,
  rows,
  Till,
  tell,
} from "../../payments/settle/till.ts";
import { STRIPE_SETTINGS } from "../../payments/tell.ts";
import { testClock } from "../../support/clock.ts";
import { StripeStub } from "../../support/stripe-stub.ts";
import { Boundary } from "../boundary.ts";

/** Refunds that are sent again when Stripe has forgotten their keys, and that fail after all. */

let stripe: StripeStub;
/** What calls to Stripe cross just now. */
let network: Boundary;
beforeEach(() => {
  const mocked = vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    const method = init?.method ?? "GET";
    const { pathname } = new URL(String(input instanceof Request ? input.url : input));
    return network.cross(`${method} ${pathname}`, () => stripe.fetch(input as RequestInfo, init));
  });
  return () => mocked.mockRestore();
});

function stripeSettings() {
  const read = checkSettings({ ...env, ...STRIPE_SETTINGS });
  if (read.kind === "misconfigured") throw new Error("the test's settings are wrong");
  return read.settings;
}

/** An order that was paid by Stripe's `pi_1`, and a refund of 4.50 on it that is due. */
async function givenDue() {
  stripe = new StripeStub();
  network = new Boundary();
  const till = await Till.open(1, 1);
  const order = await till.order();
  const paymentId = `pay_${systemIds.next()}`;
  // Of each run its own: they share a database.
  const providerId = `pi_${paymentId}`;
  stripe.intents.set(providerId, { id: providerId, amount: 3_998, currency: "usd" });
  await openPayment(order, { id: paymentId, provider: "stripe", providerId });
  await tell(order, { provider: "stripe", providerId });
  await till.drain();
  const { context } = till.context();
  const command = {
    operation: new Operation(systemIds.next()),
    amount: { amount: "4.50" },
    items: null,
    reason: null,
  };
  const asked = await requestRefund(context, paymentId, command);
  if (asked.kind !== "due") throw new Error("no refund is due");
  const [task] = await rows<{ id: string }>(
    "SELECT id FROM work WHERE task = 'refund' AND payload ->> 'refund_id' = ?1",
    asked.refund.id,
  );
  return { till, order, refund: asked.refund, taskId: task?.id ?? "" };
}

async function givenLate(trouble: StripeStub["trouble"]) {
  const given = await givenDue();
  given.till.real = { refunderOf: providerOf, settings: stripeSettings() };
  stripe.trouble = trouble;
  await given.till.work([given.taskId]);
  stripe.trouble = "none";
  expect(await refundRows(given.order.id)).toMatchObject([{ state: "due" }]);
  testClock.advance(48 * HOUR);
  stripe.forgetKeys();
  stripe.calls.splice(0);
  return given;
}

const FIRST = ["D1.all", "D1.batch"];
const MARKED = ["D1.batch", "D1.run"];

describe("a refund that is sent again after two days", () => {
  test.each([
    ["whose answer was lost, was made once", "loses answers", ["GET /v1/refunds"]],
    ["that never came there, is made once", "no connection", ["GET /v1/refunds", "POST /v1/refunds"]],
  ] as const)("%s, however its worker ends", LONG, async (_what, trouble, asked) => {
    const calls = await atEveryCall(async (boundary) => {
      const { till, order, taskId, refund } = await givenLate(trouble);
      network = boundary;
      await till.work([taskId], boundary);
      network = new Boundary();
      await till.mustHold();
      await till.settle();
      // What was taken for lost may reach Stripe after all that came of it.
      await boundary.deliver();
      expect([...stripe.refunds.values()]).toMatchObject([
        { amount: 450, metadata: { refund_id: refund.id } },
      ]);
      expect(await refundRows(order.id)).toMatchObject([{ id: refund.id, state: "settled" }]);
      expect(await paymentRows(order.id)).toMatchObject([{ refunded: 450 }]);
      expect(await orderRow(order.id)).toMatchObject({ payment_status: "partially_refunded" });
      await till.mustHold(true);
    });
    expect(calls).toEqual([...FIRST, ...asked, ...MARKED]);
  });
});

describe("a refund that fails after it was settled", () => {
  test("comes back once, however its worker ends", LONG, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const { till, order, refund } = await givenDue();
      till.answer = () => ({ kind: "settled", providerId: "re_1" });
      await till.drain();
      expect(await refundRows(order.id)).toMatchObject([{ state: "settled" }]);
      const told = { amount: 450, provider: "stripe", providerId: "re_1", refundId: refund.id };
      const { workId } = await tell(order, { ...told, kind: "refund_failed" });
      await till.work([workId], boundary);
      await till.mustHold();
      await till.settle();
      await mustHaveFailed(order.id);
      expect(till.asked).toEqual([refund.id]);
    });
    expect(calls).toEqual(["D1.all", "D1.batch", "D1.batch", "D1.run"]);
  });

  test("comes back once beside a sender that ends anywhere", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const { till, order, refund, taskId } = await givenDue();
      till.answer = () => ({ kind: "sent", providerId: "re_1" });
      const told = { amount: 450, provider: "stripe", providerId: "re_1", refundId: refund.id };
      await Promise.all([
        till.work([taskId], boundary),
        tell(order, { ...told, kind: "refund_failed" }).then(({ workId }) => till.work([workId])),
      ]);
      await till.mustHold();
      await till.settle();
      await boundary.deliver();
      await mustHaveFailed(order.id);
      expect(till.asked.length).toBeLessThanOrEqual(1);
    });
  });
});

async function mustHaveFailed(orderId: string) {
  expect(await refundRows(orderId)).toMatchObject([{ amount: 450, state: "failed" }]);
  expect(await paymentRows(orderId)).toMatchObject([{ refunded: 0 }]);
  expect(await orderRow(orderId)).toMatchObject({ payment_status: "paid", events_owed: 0 });
  expect((await eventTypes(orderId)).filter((type) => type === "payment.refund_failed")).toHaveLength(1);
}
