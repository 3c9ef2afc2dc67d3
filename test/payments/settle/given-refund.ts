import { expect } from "vitest";
import type { RefundOutcome } from "../../../src/payments/provider.ts";
import { askUnder } from "../../orders/ask.ts";
import { signIn } from "../../support/sign-in.ts";
import { tellStripe } from "../tell.ts";
import {
  eventRow,
  eventTypes,
  openPayment,
  orderRow,
  paymentRows,
  QUIET,
  refundRows,
  rows,
  Till,
} from "./till.ts";

const TOTAL = 1999;
export const SENT: RefundOutcome = { kind: "sent", providerId: "re_1" };
export const SETTLED: RefundOutcome = { kind: "settled", providerId: "re_1" };

/** An order that was paid by Stripe's `pi_1`, and a refund of 4.50 on it that was not sent yet. */
export async function givenDue() {
  const till = await Till.open(3);
  const order = await till.order();
  await openPayment(order, { id: "pay_1", provider: "stripe", providerId: "pi_1" });
  const paid = { id: "pi_1", amount: TOTAL, currency: "usd", metadata: { reference: order.reference } };
  await tellStripe({
    id: "evt_paid",
    object: "event",
    type: "payment_intent.succeeded",
    data: { object: paid },
  });
  await till.drain();
  const staff = (await signIn("staff")).headers;
  const ask = (body?: unknown) => askUnder(QUIET, "POST", "/payments/pay_1/refund", body, staff);
  const refund = (await ask({ amount: "4.50", reason: "a scratch" })).body;
  return {
    till,
    staff,
    ask,
    order: { ...order, owner: { "X-Order-Token": order.access_token ?? "" } },
    refund,
  };
}

export async function givenAnswered(answer: RefundOutcome) {
  const given = await givenDue();
  given.till.answer = () => answer;
  await given.till.drain();
  return given;
}

type Given = Awaited<ReturnType<typeof givenDue>>;

let told = 0;
/** What Stripe tells of a refund that we asked for. */
export function tellRefund(
  type: string,
  status: string,
  { order, refund }: Given,
  changed: Record<string, unknown> = {},
) {
  told += 1;
  const metadata = { refund_id: refund.id, order_id: order.id, payment_id: "pay_1" };
  const object = {
    id: "re_1",
    amount: 450,
    currency: "usd",
    status,
    payment_intent: "pi_1",
    metadata,
    ...changed,
  };
  return tellStripe({ id: `evt_${told}`, object: "event", type, data: { object } });
}

export const outcomeOf = async (eventId: string) => {
  const row = await eventRow(eventId);
  return `${row?.state} ${row?.outcome}`;
};

/** What is left of it everywhere: the sum free again, told once, and nothing owed. */
export async function mustHaveFailed({ till, order }: Given, { calm } = { calm: true }) {
  expect(await refundRows(order.id)).toMatchObject([{ amount: 450, state: "failed" }]);
  expect(await rows("SELECT provider_id FROM refunds")).toEqual([{ provider_id: "re_1" }]);
  expect(await paymentRows(order.id)).toMatchObject([{ captured: TOTAL, refunded: 0 }]);
  expect(await orderRow(order.id)).toMatchObject({
    status: "confirmed",
    payment_status: "paid",
    events_owed: 0,
  });
  expect((await eventTypes(order.id)).filter((type) => type === "payment.refund_failed")).toHaveLength(1);
  await till.mustHold(calm);
}
