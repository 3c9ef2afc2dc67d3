import { describe, expect, test } from "vitest";
import type { OrderStatus } from "../../../src/orders/lifecycle.ts";
import type { Order, OrderItem } from "../../../src/orders/order.ts";
import { decide } from "../../../src/payments/decide.ts";
import {
  type Money,
  type Payment,
  type PaymentEvent,
  paymentStatusOf,
  type Refund,
} from "../../../src/payments/money.ts";

const payment = (changed: Partial<Payment> = {}): Payment => ({
  id: "pay_1",
  orderId: "ord_1",
  provider: "standard",
  providerId: null,
  status: "open",
  amount: 1000,
  currency: "USD",
  captured: 0,
  refunded: 0,
  clientSecret: null,
  stamp: "",
  createdAt: 0,
  updatedAt: 0,
  ...changed,
});

const refund = (changed: Partial<Refund> = {}): Refund => ({
  id: "rfd_1",
  paymentId: "pay_1",
  orderId: "ord_1",
  amount: 400,
  currency: "USD",
  state: "sent",
  reason: null,
  providerId: null,
  items: null,
  createdAt: 0,
  updatedAt: 0,
  ...changed,
});

const event = (changed: Partial<PaymentEvent> = {}): PaymentEvent => ({
  provider: "standard",
  eventId: "evt_1",
  orderId: "ord_1",
  reference: "ORD-1",
  kind: "succeeded",
  amount: 1000,
  currency: null,
  providerId: null,
  refundId: null,
  state: "owed",
  outcome: null,
  operation: "op",
  stamp: "",
  receivedAt: 0,
  ...changed,
});

const money = (status: OrderStatus, payments: Payment[] = [], refunds: Refund[] = []): Money => ({
  order: {
    id: "ord_1",
    status,
    paymentStatus: "awaiting",
    total: 1000,
    currency: "USD",
    items: [] as OrderItem[],
  } as Order,
  payments,
  refunds,
});

const PAID = payment({ status: "succeeded", captured: 1000 });

describe("a success", () => {
  test.each<[OrderStatus, Payment[], string]>([
    ["pending", [], "pay"],
    ["confirmed", [PAID], "give_back"],
    ["processing", [PAID], "give_back"],
    ["shipped", [PAID], "give_back"],
    ["delivered", [PAID], "give_back"],
    ["returned", [PAID], "give_back"],
    ["confirmed", [], "pay"],
    ["cancelled", [], "give_back"],
    ["rejected", [], "give_back"],
    ["expired", [], "late"],
    ["expired", [PAID], "late"],
  ])("for an order that is %s (%#)", (status, payments, kind) => {
    expect(decide(event(), money(status, payments)).kind).toBe(kind);
  });

  test.each<[Partial<PaymentEvent>, string]>([
    [{ amount: 999 }, "wrong_amount"],
    [{ currency: "EUR" }, "wrong_currency"],
    [{ currency: "EUR", amount: 1 }, "wrong_currency"],
  ])("of %j is flagged in whatever state", (changed, outcome) => {
    for (const status of ["pending", "confirmed", "cancelled", "expired", "rejected"] as const) {
      expect(decide(event(changed), money(status))).toEqual({ kind: "flag", outcome });
    }
  });

  test("that was worked off, or whose order is unknown", () => {
    for (const state of ["done", "flagged", "unmatched"] as const) {
      expect(decide(event({ state }), money("pending"))).toEqual({ kind: "worked_off" });
    }
    expect(decide(event(), null)).toEqual({ kind: "unknown_order" });
  });

  test("goes into the payment of its name, never into another provider's or another name's", () => {
    const named = payment({ id: "pay_2", provider: "stripe", providerId: "pi_2" });
    const other = payment({ id: "pay_3", provider: "stripe", providerId: "pi_3" });
    const open = payment();
    const into = (changed: Partial<PaymentEvent>) => {
      const decision = decide(event(changed), money("pending", [open, named, other]));
      return decision.kind === "pay" ? (decision.into?.id ?? null) : decision.kind;
    };
    expect(into({})).toBe("pay_1");
    expect(into({ provider: "stripe", providerId: "pi_2" })).toBe("pay_2");
    expect(into({ provider: "stripe", providerId: "pi_9" })).toBeNull();
  });
});

describe("a refund told", () => {
  test.each<[Partial<PaymentEvent>, string]>([
    [{ refundId: "rfd_2" }, "rfd_2"],
    [{ providerId: "re_3" }, "rfd_3"],
    [{}, "rfd_1"],
    [{ refundId: "rfd_9" }, "unexplained"],
    [{ refundId: "rfd_2", amount: 399 }, "unexplained"],
    [{ refundId: "rfd_4" }, "note"],
    [{ currency: "EUR" }, "unexplained"],
  ])("%j: %s", (changed, expected) => {
    const refunds = [
      refund(),
      refund({ id: "rfd_2" }),
      refund({ id: "rfd_3", providerId: "re_3" }),
      refund({ id: "rfd_4", state: "settled" }),
    ];
    const decision = decide(
      event({ kind: "refunded", amount: 400, ...changed }),
      money("confirmed", [PAID], refunds),
    );
    expect(decision.kind === "settle_refund" ? decision.refund.id : decision.kind).toBe(expected);
  });
});

describe("a refund that failed", () => {
  const refunds = [
    refund({ id: "rfd_due", state: "due" }),
    refund({ id: "rfd_sent", state: "sent", providerId: "re_1" }),
    refund({ id: "rfd_settled", state: "settled", providerId: "re_2" }),
    refund({ id: "rfd_failed", state: "failed", providerId: "re_3" }),
  ];
  const decided = (changed: Partial<PaymentEvent>) => {
    const decision = decide(event({ amount: 400, ...changed }), money("confirmed", [PAID], refunds));
    if (decision.kind === "fail_refund" || decision.kind === "settle_refund") {
      return `${decision.kind} ${decision.refund.id}`;
    }
    return "outcome" in decision ? `${decision.kind} ${decision.outcome}` : decision.kind;
  };

  test.each<[Partial<PaymentEvent>, string]>([
    [{ refundId: "rfd_due" }, "fail_refund rfd_due"],
    [{ refundId: "rfd_due", providerId: "re_9" }, "fail_refund rfd_due"],
    [{ refundId: "rfd_sent" }, "fail_refund rfd_sent"],
    [{ refundId: "rfd_sent", providerId: "re_1" }, "fail_refund rfd_sent"],
    [{ refundId: "rfd_settled", providerId: "re_2" }, "fail_refund rfd_settled"],
    [{ refundId: "rfd_failed", providerId: "re_3" }, "note already_failed"],
    // Another one that the provider made under our name.
    [{ refundId: "rfd_sent", providerId: "re_9" }, "unexplained unknown_refund"],
    [{ refundId: "rfd_sent", amount: 399 }, "unexplained unknown_refund"],
    [{ refundId: "rfd_sent", currency: "EUR" }, "unexplained unknown_refund"],
    [{ refundId: "rfd_none" }, "unexplained unknown_refund"],
    [{ refundId: null, providerId: "pi_1" }, "unexplained unknown_refund"],
    [{ refundId: null }, "unexplained unknown_refund"],
  ])("%j: %s", (changed, expected) => {
    expect(decided({ kind: "refund_failed", ...changed })).toBe(expected);
  });

  test.each<[Partial<PaymentEvent>, string]>([
    [{ eventId: "re_3", refundId: "rfd_failed" }, "note failed_since"],
    // By a name of its own: that money went out after all is for staff to see.
    [{ eventId: "evt_9", refundId: "rfd_failed" }, "unexplained unknown_refund"],
  ])("and is told to have succeeded, %j: %s", (changed, expected) => {
    expect(decided({ kind: "refunded", ...changed })).toBe(expected);
  });
});

test.each<[OrderStatus, Payment[], Refund[], string]>([
  ["pending", [payment()], [], "awaiting"],
  ["confirmed", [PAID], [], "paid"],
  ["confirmed", [PAID], [refund({ state: "due" })], "refund_due"],
  ["confirmed", [PAID], [refund({ state: "sent" })], "refund_due"],
  ["confirmed", [PAID], [refund({ state: "settled" })], "partially_refunded"],
  ["confirmed", [PAID], [refund({ state: "failed" })], "paid"],
  ["confirmed", [PAID], [refund({ state: "settled", amount: 1000 })], "refunded"],
  ["confirmed", [PAID, { ...PAID, id: "pay_2" }], [refund({ state: "settled", amount: 1000 })], "paid"],
  ["cancelled", [PAID], [], "refund_due"],
  ["cancelled", [PAID], [refund({ state: "failed", amount: 1000 })], "refund_due"],
  ["cancelled", [PAID], [refund({ state: "settled", amount: 1000 })], "refunded"],
])("the payment status of an order that is %s (%#)", (status, payments, refunds, expected) => {
  expect(paymentStatusOf(money(status, payments, refunds))).toBe(expected);
});
