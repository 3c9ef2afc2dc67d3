import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { type Answer, answerOf, askUnder, cancel, read, refusalOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { givenCardOrder } from "./tell.ts";

const MINUTE = 60_000;
const KEY = { "Idempotency-Key": "pay-this-order-once" };

const pay = (name: string, headers: Record<string, string> = {}): Promise<Answer> =>
  answerOf(post(`/orders/${name}/payments`, undefined, headers));

const rows = async () =>
  (await env.DB.prepare("SELECT * FROM payments ORDER BY created_at, id").all()).results;

const setOrder = (id: string, columns: string) =>
  env.DB.prepare(`UPDATE orders SET ${columns} WHERE id = ?1`).bind(id).run();

test("a payment says what to pay, and by what name", async () => {
  const order = await givenCardOrder();
  const { status, body } = await pay(order.id, order.owner);
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.stringMatching(/^pay_[0-9a-z]{26}$/),
    provider: "standard",
    status: "open",
    amount: { amount: "19.99", currency: "USD" },
    instructions: `Pay 19.99 USD and name ${order.reference}.`,
    created_at: new Date(testClock.now()).toISOString(),
  });
  expect(await rows()).toMatchObject([
    { id: body.id, order_id: order.id, amount: 1999, captured: 0, refunded: 0, provider_id: null },
  ]);
});

test("an order has one open payment, however often and by whomever it is asked for", async () => {
  const order = await givenCardOrder();
  const staff = await signIn("staff");
  const first = await pay(order.id, order.owner);
  for (const again of [
    await pay(order.reference, order.owner),
    await pay(order.id, { ...order.owner, ...KEY }),
    await pay(order.id, staff.headers),
  ]) {
    expect([again.status, again.body]).toEqual([201, first.body]);
  }
  const replayed = await pay(order.id, { ...order.owner, ...KEY });
  expect([replayed.text, replayed.headers.get("idempotency-replayed")]).toEqual([first.text, "true"]);
  expect(await rows()).toHaveLength(1);
});

test("of twenty at once, all are given the same payment", async () => {
  const order = await givenCardOrder();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      pay(order.id, index % 2 ? order.owner : { ...order.owner, ...KEY }),
    ),
  );
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(await rows()).toHaveLength(1);
});

test("only the buyer, the token's holder and staff may pay or look", async () => {
  const buyer = await signIn();
  const other = await signIn();
  const { productIds } = await givenShop([[5]]);
  const order = await placed(
    await post("/orders", basket({ [productIds[0] ?? ""]: 1 }, { payment_method: "card" }), buyer.headers),
  );
  const nobodies: Record<string, string>[] = [{}, other.headers, { "X-Order-Token": "wrong" }];
  for (const headers of nobodies) {
    expect(refusalOf(await pay(order.id, headers))).toEqual([404, "not_found"]);
    expect(refusalOf(await read(`/orders/${order.id}/payments`, headers))).toEqual([404, "not_found"]);
  }
  expect(await rows()).toEqual([]);
  expect((await pay(order.id, buyer.headers)).status).toBe(201);
  expect(refusalOf(await pay("ord_nothing", buyer.headers))).toEqual([404, "not_found"]);
});

test("a paid order is not paid twice", async () => {
  const order = await givenCardOrder();
  for (const status of ["paid", "partially_refunded", "refunded"]) {
    await setOrder(order.id, `status = 'confirmed', payment_status = '${status}'`);
    expect(refusalOf(await pay(order.id, order.owner))).toEqual([409, "already_paid"]);
  }
  expect(await rows()).toEqual([]);
});

test("what died or needs no payment cannot be paid", async () => {
  const order = await givenCardOrder();
  expect((await cancel(order.id, order.owner)).status).toBe(200);
  expect(refusalOf(await pay(order.id, order.owner))).toEqual([409, "not_payable"]);
  for (const columns of [
    "status = 'expired'",
    "status = 'rejected'",
    "status = 'cancelled', payment_status = 'refund_due'",
  ]) {
    await setOrder(order.id, columns);
    expect(refusalOf(await pay(order.id, order.owner))).toEqual([409, "not_payable"]);
  }

  const { productIds } = await givenShop([[5]]);
  for (const method of ["invoice", "cash_on_delivery"]) {
    const response = await post("/orders", basket({ [productIds[0] ?? ""]: 1 }, { payment_method: method }));
    const { id, access_token } = await placed(response);
    const answer = await pay(id, { "X-Order-Token": access_token ?? "" });
    expect(refusalOf(answer)).toEqual([409, "not_payable"]);
  }
  expect(await rows()).toEqual([]);
});

test("an open payment of an order that died since is not given again", async () => {
  const order = await givenCardOrder();
  expect((await pay(order.id, order.owner)).status).toBe(201);
  await cancel(order.id, order.owner);
  expect(refusalOf(await pay(order.id, order.owner))).toEqual([409, "not_payable"]);
});

test("past its deadline an order takes no new payment, swept or not", async () => {
  const order = await givenCardOrder();
  testClock.advance(30 * MINUTE - 1);
  expect((await pay(order.id, order.owner)).status).toBe(201);
  testClock.advance(1);
  expect(refusalOf(await pay(order.id, order.owner))).toEqual([409, "not_payable"]);
});

test("after a failure another payment may be opened", async () => {
  const order = await givenCardOrder();
  const first = await pay(order.id, order.owner);
  await env.DB.prepare("UPDATE payments SET status = 'failed'").run();
  await setOrder(order.id, "payment_status = 'failed'");
  testClock.advance(1);
  const second = await pay(order.id, order.owner);
  expect(second.status).toBe(201);
  expect(second.body.id).not.toBe(first.body.id);
  expect(await rows()).toMatchObject([{ status: "failed" }, { id: second.body.id, status: "open" }]);
});

test("payments are listed with their refunds, and shown on the order's page", async () => {
  const order = await givenCardOrder();
  const { body } = await pay(order.id, order.owner);
  const at = testClock.now();
  await env.DB.batch([
    env.DB.prepare("UPDATE payments SET status = 'succeeded', captured = 1999, refunded = 500"),
    env.DB.prepare(
      `INSERT INTO refunds (id, payment_id, order_id, amount, currency, state, reason, created_at, updated_at)
       VALUES ('rfd_1', ?1, ?2, 500, 'USD', 'sent', 'a scratch', ?3, ?3)`,
    ).bind(body.id, order.id, at),
  ]);
  const usd = (amount: string) => ({ amount, currency: "USD" });
  const shown = {
    id: body.id,
    provider: "standard",
    status: "succeeded",
    amount: usd("19.99"),
    captured: usd("19.99"),
    refunded: usd("5.00"),
    currency: "USD",
    refunds: [
      {
        id: "rfd_1",
        status: "sent",
        amount: usd("5.00"),
        // The shop's own words are for its people.
        reason: null,
        created_at: new Date(at).toISOString(),
      },
    ],
    created_at: new Date(at).toISOString(),
  };
  const list = await read(`/orders/${order.id}/payments`, order.owner);
  expect(list.body).toMatchObject({ count: 1, page: 1, has_next: false, results: [shown] });
  expect(list.body.results).toEqual([shown]);
  expect((await read(`/orders/${order.id}`, order.owner)).body.payments).toEqual([shown]);
});

test("an order without payments shows none, and a list's cursor goes on", async () => {
  const order = await givenCardOrder();
  expect((await read(`/orders/${order.id}`, order.owner)).body.payments).toEqual([]);
  for (let index = 0; index < 3; index++) {
    await pay(order.id, order.owner);
    await env.DB.prepare("UPDATE payments SET status = 'failed'").run();
    testClock.advance(1);
  }
  const path = `/orders/${order.id}/payments?page_size=2`;
  const first = await read(path, order.owner);
  expect([first.body.count, first.body.results.length, first.body.has_next]).toEqual([3, 2, true]);
  const second = await read(`${path}&cursor=${first.body.next_cursor}`, order.owner);
  expect(second.body.results).toHaveLength(1);
  const ids = [...first.body.results, ...second.body.results].map((row: { id: string }) => row.id);
  expect(ids).toEqual((await rows()).map(({ id }) => id));
});

test.each([
  ["JPY", 1999, "1999"],
  ["KWD", 1999, "1.999"],
])("amounts are written as %s has them", async (currency, _minor, amount) => {
  const { productIds } = await givenShop([[5]], { currency });
  const body = basket({ [productIds[0] ?? ""]: 1 }, { payment_method: "card" });
  const order = await placed(await post("/orders", body));
  const answer = await pay(order.id, { "X-Order-Token": order.access_token ?? "" });
  expect(answer.body.amount).toEqual({ amount, currency });
});

test("a guest's short key is refused", async () => {
  const order = await givenCardOrder();
  const answer = await askUnder({}, "POST", `/orders/${order.id}/payments`, undefined, {
    ...order.owner,
    "Idempotency-Key": "short",
  });
  expect(refusalOf(answer)).toEqual([422, "invalid_idempotency_key", "Idempotency-Key"]);
});
