import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { refusalOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { get, post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import { Desk, givenFlagged, givenUnmatched, notices } from "./by-staff.ts";
import {
  eventRow,
  eventTypes,
  MINUTE,
  openPayment,
  orderRow,
  paymentRows,
  refundRows,
  rows,
  Till,
  tell,
} from "./till.ts";

const TOTAL = 1999;
let desk: Desk;

beforeEach(async () => {
  desk = await Desk.open();
});

describe("the list of what providers told", () => {
  test("is newest first, by state, page by page", async () => {
    const till = await Till.open(5);
    const { order, eventId: flagged } = await givenFlagged(till);
    const { eventId: unmatched } = await givenUnmatched(till, { reference: "ORD-TYPO", currency: "EUR" });
    const { eventId: paid } = await tell(order);
    await till.drain();
    testClock.advance(1_000);
    const { eventId: owed } = await tell(order, { kind: "failed" });

    const all = await desk.list();
    expect([all.status, all.body.count]).toEqual([200, 4]);
    expect(all.body.results.map((event: { event_id: string }) => event.event_id)).toEqual([
      owed,
      paid,
      unmatched,
      flagged,
    ]);
    const stamp = expect.stringMatching(/^\d{4}-.*Z$/);
    expect((await desk.list("?state=flagged")).body.results).toEqual([
      {
        provider: "standard",
        event_id: flagged,
        kind: "succeeded",
        amount: { amount: "5.00", currency: "USD" },
        minor_units: 500,
        currency: null,
        outcome: "wrong_amount",
        received_at: stamp,
        state: "flagged",
        reference: order.reference,
        order: { id: order.id, reference: order.reference },
      },
    ]);
    expect((await desk.list("?state=unmatched")).body.results).toMatchObject([
      {
        event_id: unmatched,
        amount: { amount: "19.99", currency: "EUR" },
        state: "unmatched",
        reference: "ORD-TYPO",
        order: null,
      },
    ]);
    const first = (await desk.list("?page_size=3")).body;
    const rest = (await desk.list(`?page_size=3&cursor=${first.next_cursor}`)).body;
    expect(rest.results.map((event: { event_id: string }) => event.event_id)).toEqual([flagged]);
    expect([rest.has_next, first.results.length]).toEqual([false, 3]);
    expect(refusalOf(await desk.list("?state=lost"))).toEqual([400, "invalid_query", "state"]);
    expect(refusalOf(await desk.list("?cursor=x"))).toEqual([400, "invalid_query", "cursor"]);
  });

  test("names no sum in a currency that does not exist", async () => {
    const till = await Till.open(5);
    await givenUnmatched(till);
    await givenFlagged(till, { currency: "XYZ" });
    expect((await desk.list()).body.results).toMatchObject([
      { amount: null, minor_units: 500, currency: "XYZ", outcome: "wrong_currency" },
      { amount: null, minor_units: 1999, currency: null },
    ]);
  });

  test("is for staff, as is what they do about it", async () => {
    const customer = (await signIn()).headers;
    const paths = ["", "/standard/e1/match", "/standard/e1/give-back"];
    for (const path of paths) {
      const ask = (headers?: Record<string, string>) =>
        path === ""
          ? get("/payments/events", headers)
          : post(`/payments/events${path}`, { order: "x" }, headers);
      expect((await ask()).status).toBe(401);
      expect((await ask(customer)).status).toBe(403);
    }
  });

  test("is on the order's page too, for staff alone, as long as it waits", async () => {
    const till = await Till.open(5);
    const { order, eventId } = await givenFlagged(till);
    const page = () => desk.get(`/orders/${order.id}`);
    expect((await page()).body.flagged_events).toMatchObject([
      { event_id: eventId, outcome: "wrong_amount", amount: { amount: "5.00", currency: "USD" } },
    ]);
    const token = { "X-Order-Token": order.access_token ?? "" };
    expect(await (await get(`/orders/${order.id}`, token)).json()).not.toHaveProperty("flagged_events");
    await desk.giveBack(eventId);
    expect((await page()).body.flagged_events).toEqual([]);
  });
});

describe("a letter to ADMIN_EMAIL", () => {
  test("is owed once for each flagged event, and says what it is", async () => {
    const till = await Till.open(5);
    const { order, eventId } = await givenFlagged(till);
    const { workId } = await tell(order, { kind: "refunded", amount: 7, currency: "EUR", eventId: "evt_2" });
    await Promise.all([till.work([workId]), till.work([workId])]);
    await till.drain();
    expect(await notices()).toEqual([
      {
        object_id: order.id,
        subject: `A payment event for ${order.reference} needs your attention`,
        lines: [
          `standard told of a payment of 5.00 USD in its event ${eventId}: that is not what the order costs (wrong_amount).`,
          "The order is pending, its total 19.99 USD, its payment awaiting.",
        ],
      },
      {
        object_id: order.id,
        subject: `A payment event for ${order.reference} needs your attention`,
        lines: [
          expect.stringContaining("standard told of a refund of 0.07 EUR in its event evt_2: "),
          "The order is pending, its total 19.99 USD, its payment awaiting.",
        ],
      },
    ]);
  });

  test("is owed for an event that no order has the reference of, when nobody looks any more", async () => {
    const till = await Till.open(5);
    await tell(null, { reference: "ORD-TYPO" });
    await till.drain();
    expect(await notices()).toEqual([]);
    const { eventId } = await givenUnmatched(till, { reference: "ORD-TYPO", currency: "USD" });
    expect(await notices()).toEqual([
      {
        object_id: eventId,
        subject: "A payment event names no order",
        lines: [
          `standard told of a payment of 19.99 USD in its event ${eventId}: no order has the reference "ORD-TYPO".`,
          "Match it to its order, and it is worked off.",
        ],
      },
    ]);
  });

  test("is owed for a refund that the provider refuses", async () => {
    const till = await Till.open(5);
    const order = await till.order();
    await tell(order);
    await tell(order);
    till.answer = () => ({ kind: "refused", error: "the card is closed" });
    await till.drain();
    const [refund] = await refundRows(order.id);
    expect(await notices()).toEqual([
      {
        object_id: order.id,
        subject: `A refund for ${order.reference} failed`,
        lines: [
          `The refund ${refund?.id} of 19.99 USD, of the payment ${refund?.payment_id}: the card is closed.`,
          "It is not tried again by itself. Its sum is free to be refunded anew.",
          "The order is confirmed, its total 19.99 USD, its payment refund_due.",
        ],
      },
    ]);
    await till.settle();
  });

  test("is owed to nobody where nobody is named", async () => {
    const till = await Till.open(5);
    const { ADMIN_EMAIL: _, ...settings } = till.context().context.settings;
    till.real = { refunderOf: () => ({ refund: async () => ({ kind: "refused", error: "no" }) }), settings };
    const { order } = await givenFlagged(till);
    await givenUnmatched(till);
    await tell(order);
    await tell(order);
    await till.drain();
    expect(await refundRows(order.id)).toMatchObject([{ state: "failed" }]);
    expect(await notices()).toEqual([]);
  });
});

describe("an unmatched event", () => {
  test("is matched to its order by staff, and pays it", async () => {
    const till = await Till.open(5);
    const order = await till.order();
    const { eventId, operation } = await givenUnmatched(till);
    const answer = await desk.match(eventId, { order: order.reference.toLowerCase() });
    expect([answer.status, answer.body]).toMatchObject([
      200,
      { event_id: eventId, state: "owed", outcome: null, order: { id: order.id } },
    ]);
    expect(await orderRow(order.id)).toMatchObject({ status: "pending", events_owed: 1 });
    await till.mustHold();
    // It holds its order open, as any that was received in time.
    testClock.advance(31 * MINUTE);
    await till.expire();
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    expect(await paymentRows(order.id)).toMatchObject([{ id: `pay_${operation}`, captured: TOTAL }]);
    expect(await eventTypes(eventId)).toEqual(["payment.unmatched", "payment.matched"]);
    const [line] = await rows<{ data: string }>("SELECT data FROM events WHERE type = 'payment.matched'");
    expect(JSON.parse(line?.data ?? "")).toEqual({
      provider: "standard",
      event_id: eventId,
      order_id: order.id,
      by: desk.staff.id,
    });
    await till.settle();
    expect(refusalOf(await desk.match(eventId, { order: order.id }))).toEqual([409, "event_not_flagged"]);
  });

  test.each([
    ["paid", {}, "second_payment"],
    ["for another amount", { amount: 3 }, "wrong_amount"],
  ])("matched to an order that is %s is decided as any other", async (what, event, outcome) => {
    const till = await Till.open(5);
    const order = await till.order();
    if (what === "paid") await tell(order);
    const { eventId } = await givenUnmatched(till, event);
    await till.drain();
    expect((await desk.match(eventId, { order: order.id })).status).toBe(200);
    await till.drain();
    expect(await eventRow(eventId)).toMatchObject({ outcome, order_id: order.id });
    await till.settle();
  });

  test("is matched once, however many do it, and each repeat of a request succeeds", async () => {
    const till = await Till.open(5);
    const orders = [await till.order(), await till.order()];
    const { eventId } = await givenUnmatched(till);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => desk.match(eventId, { order: orders[index % 2]?.id })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)]);
    const owed = await Promise.all(orders.map(async ({ id }) => (await orderRow(id))?.events_owed));
    expect(owed.sort()).toEqual([0, 1]);
    expect(
      await rows(
        "SELECT id FROM work WHERE task = 'payment-event' AND state = 'owed' AND object_id = ?1",
        eventId,
      ),
    ).toHaveLength(1);
    await till.settle();

    const { eventId: other } = await givenUnmatched(till);
    const key = { "Idempotency-Key": "match-it-once" };
    const [left = orders[0]] = orders.slice(1);
    const twins = await Promise.all([1, 2, 3].map(() => desk.match(other, { order: left?.id }, key)));
    expect(twins.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect((await desk.match(other, { order: left?.id }, key)).status).toBe(200);
    await till.settle();
  });

  test("is matched to no order that is not there", async () => {
    const till = await Till.open(5);
    const { eventId } = await givenUnmatched(till);
    expect(refusalOf(await desk.match(eventId, { order: "ORD-NONE" }))).toEqual([
      422,
      "invalid_body",
      "order",
    ]);
    expect(refusalOf(await desk.match(eventId, {}))).toEqual([422, "invalid_body", "order"]);
    const typo = { order: "ORD-NONE", amuont: 1 };
    expect((await desk.match(eventId, typo)).status).toBe(422);
    expect(refusalOf(await desk.match("none", { order: "ORD-NONE" }))).toEqual([404, "not_found"]);
    expect(refusalOf(await desk.match(`cash/${eventId}`, { order: "x" }))).toEqual([404, "not_found"]);
    expect(await eventRow(eventId)).toMatchObject({ state: "unmatched", order_id: null });
    await till.settle();
  });

  test("is found under whatever name its provider gave it", async () => {
    const till = await Till.open(5);
    const order = await till.order();
    const eventId = "a/b?c=1&d #é%";
    await givenUnmatched(till, { eventId });
    const name = `standard/${encodeURIComponent(eventId)}`;
    expect((await desk.match(name, { order: order.id })).status).toBe(200);
    await till.settle();
    expect(await eventRow(eventId)).toMatchObject({ outcome: "paid" });
  });
});

describe("a flagged payment that staff give back", () => {
  test("goes back whole, and its order waits for its own", async () => {
    const till = await Till.open(5);
    const { order, eventId, operation } = await givenFlagged(till);
    const answer = await desk.giveBack(eventId, { reason: "too little" });
    expect([answer.status, answer.body]).toMatchObject([
      200,
      { event_id: eventId, state: "done", outcome: "given_back", order: { id: order.id } },
    ]);
    expect(await orderRow(order.id)).toMatchObject({
      status: "pending",
      payment_status: "awaiting",
      version: 3,
    });
    await till.mustHold();
    await till.drain();
    expect(await paymentRows(order.id)).toMatchObject([
      { id: `pay_${operation}`, status: "given_back", captured: 500, refunded: 500 },
    ]);
    expect(await refundRows(order.id)).toEqual([
      {
        id: `rfd_${operation}`,
        payment_id: `pay_${operation}`,
        amount: 500,
        state: "settled",
        reason: "too little",
      },
    ]);
    const { results } = (await desk.get(`/orders/${order.id}/history`)).body;
    expect(results.at(-2)).toMatchObject({ actor: desk.staff.id, reason: "too little" });
    expect(await orderRow(order.id)).toMatchObject({ status: "pending", payment_status: "awaiting" });

    await tell(order);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    await till.settle();
    expect([...till.paidOut]).toEqual([[`rfd_${operation}`, 500]]);
  });

  test("is given back once, however many do it at once", async () => {
    const till = await Till.open(5);
    const { order, eventId } = await givenFlagged(till);
    const answers = await Promise.all(Array.from({ length: 10 }, () => desk.giveBack(eventId)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)]);
    expect(refusalOf(await desk.giveBack(eventId))).toEqual([409, "event_not_flagged"]);
    await till.settle();
    expect([...till.paidOut.values()]).toEqual([500]);
    expect(await orderRow(order.id)).toMatchObject({ status: "expired", payment_status: "awaiting" });
  });

  test("of an invoice leaves it to be paid", async () => {
    const till = await Till.open(5);
    const { order, eventId } = await givenFlagged(till, {}, { payment_method: "invoice" });
    await desk.giveBack(eventId);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "none" });
    await tell(order);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    await till.settle();
    expect([...till.paidOut.values()]).toEqual([500]);
  });

  test("of an order that was paid besides leaves it paid, and a cancel gives back its own", async () => {
    const till = await Till.open(5);
    const { order, eventId } = await givenFlagged(till);
    await tell(order);
    await till.drain();
    till.answer = () => ({ kind: "refused", error: "the card is closed" });
    await desk.giveBack(eventId);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    till.answer = () => ({ kind: "settled", providerId: null });
    await post(`/orders/${order.id}/cancel`, {}, { "X-Order-Token": order.access_token ?? "" });
    await till.settle();
    expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "refunded" });
    expect([...till.paidOut.values()]).toEqual([TOTAL]);
    // The one that was refused is asked for anew by hand.
    const [payment] = (await paymentRows(order.id)).filter(({ status }) => status === "given_back");
    await post(`/payments/${payment?.id}/refund`, {}, desk.staff.headers);
    await till.settle();
    expect([...till.paidOut.values()]).toEqual([TOTAL, 500]);
  });

  test("goes back in the currency in which it came, by the payment that it came by", async () => {
    const till = await Till.open(5);
    const order = await till.order();
    await openPayment(order, { id: "pay_1", provider: "stripe", providerId: "pi_1" });
    const short = await tell(order, {
      provider: "stripe",
      providerId: "pi_1",
      amount: 500,
      eventId: "evt_1",
    });
    const euros = await tell(order, { currency: "EUR", eventId: "evt_2" });
    await till.drain();
    testClock.advance(1_000);
    till.answer = () => ({ kind: "sent", providerId: null });
    expect((await desk.giveBack("stripe/evt_1")).status).toBe(200);
    expect((await desk.giveBack("evt_2")).status).toBe(200);
    await till.drain();
    expect(
      await rows(
        "SELECT id, provider_id, status, currency, captured, refunded FROM payments ORDER BY currency",
      ),
    ).toEqual([
      {
        id: `pay_${euros.operation}`,
        provider_id: null,
        status: "given_back",
        currency: "EUR",
        captured: TOTAL,
        refunded: TOTAL,
      },
      {
        id: "pay_1",
        provider_id: "pi_1",
        status: "given_back",
        currency: "USD",
        captured: 500,
        refunded: 500,
      },
    ]);
    expect((await desk.get(`/orders/${order.id}`)).body.payments).toMatchObject([
      { id: "pay_1", status: "given_back", refunds: [{ amount: { amount: "5.00", currency: "USD" } }] },
      {
        captured: { amount: "19.99", currency: "EUR" },
        refunds: [{ amount: { amount: "19.99", currency: "EUR" } }],
      },
    ]);
    // The provider tells of each when it is done.
    await tell(order, {
      kind: "refunded",
      refundId: `rfd_${euros.operation}`,
      amount: TOTAL,
      currency: "EUR",
    });
    await tell(order, {
      kind: "refunded",
      provider: "stripe",
      refundId: `rfd_${short.operation}`,
      amount: 500,
    });
    await till.drain();
    expect((await refundRows(order.id)).map(({ state }) => state)).toEqual(["settled", "settled"]);
    await till.settle();
    expect(await orderRow(order.id)).toMatchObject({ status: "expired", payment_status: "awaiting" });
  });

  test.each<[string, Parameters<typeof tell>[1], [number, string]]>([
    ["that is no payment", { kind: "refunded", amount: 5 }, [409, "nothing_to_give_back"]],
    ["of nothing", { amount: 0 }, [409, "nothing_to_give_back"]],
    ["in a currency that does not exist", { currency: "XYZ" }, [409, "nothing_to_give_back"]],
    ["that was taken", { amount: TOTAL }, [409, "event_not_flagged"]],
  ])("is none for an event %s", async (_what, event, refusal) => {
    const till = await Till.open(5);
    const { order, eventId } = await givenFlagged(till, event);
    expect(refusalOf(await desk.giveBack(eventId))).toEqual(refusal);
    expect(refusalOf(await desk.giveBack(eventId, { raeson: "x" }))[0]).toBe(422);
    expect(refusalOf(await desk.giveBack("none"))).toEqual([404, "not_found"]);
    expect(await refundRows(order.id)).toEqual([]);
    await till.settle();
  });

  test("is none for an unmatched one", async () => {
    const till = await Till.open(5);
    const { eventId } = await givenUnmatched(till);
    expect(refusalOf(await desk.giveBack(eventId))).toEqual([409, "event_not_flagged"]);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM payments").first("n")).toBe(0);
  });
});
