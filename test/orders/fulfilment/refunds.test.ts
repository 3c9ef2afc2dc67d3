import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { post } from "../../support/shop.ts";
import type { Wire } from "../../support/wire.ts";
import { answerOf, levels, read, refusalOf } from "../ask.ts";
import { owed, pay, refundsOf } from "./rows.ts";
import { givenSold, staff } from "./staff.ts";

const usd = (amount: string) => ({ amount, currency: "USD" });

/** An apple and a pear at 19.99 each, paid, and staff to refund them. */
async function givenPaid(quantities: [number, number] = [1, 1]) {
  const member = await staff();
  const sold = await givenSold([[5], [5]], quantities);
  await pay(sold.id);
  const [apple = "", pear = ""] = sold.productIds;
  const [store = ""] = sold.storeIds;
  const refund = (body?: unknown, headers: Record<string, string> = {}) =>
    answerOf(post(`/payments/pay_of_${sold.id}/refund`, body, { ...member.headers, ...headers }));
  const of = (product_id: string, quantity = 1) => ({ product_id, quantity });
  const toShip = async (more = "") =>
    (await read(`/orders?to_ship=true${more}`, member.headers)).body.results.map(
      (found: { id: string }) => found.id,
    );
  return { ...member, ...sold, apple, pear, store, refund, of, toShip };
}

/** What went back in all. */
const backOf = async (id: string) =>
  (await refundsOf(id)).reduce((sum, { amount }) => sum + (amount as number), 0);

describe("a refund of items", () => {
  test("is of their price, names them, and is sent like every other", async () => {
    const { refund, of, apple, id, page } = await givenPaid([2, 1]);
    const made = await refund({ items: [of(apple), of(apple)], reason: "bruised" });
    const items = [{ product_id: apple, quantity: 2, amount: usd("39.98") }];
    expect([made.status, made.body]).toMatchObject([201, { amount: usd("39.98"), status: "due", items }]);
    expect(await owed("refund")).toEqual([{ refund_id: made.body.id }]);
    const { body } = await page(id);
    expect(body.payments[0].refunds).toMatchObject([{ id: made.body.id, items, reason: "bruised" }]);
    expect(body.totals).toMatchObject({ total: usd("59.97"), refunded: usd("39.98"), kept: usd("19.99") });
    expect(body.items.map((item: { refunded?: number }) => item.refunded)).toEqual([2, undefined]);
  });

  test("under one key is one, and of no unit twice", async () => {
    const { refund, of, apple, id } = await givenPaid();
    const key = { "Idempotency-Key": "the-apple" };
    const [first, again] = [
      await refund({ items: [of(apple)] }, key),
      await refund({ items: [of(apple)] }, key),
    ];
    expect(again.body).toEqual(first.body);
    const twice = await refund({ items: [of(apple)] });
    expect(refusalOf(twice)).toEqual([409, "already_refunded", "items.0.quantity"]);
    expect(twice.body.errors[0]).toMatchObject({ product_id: apple, requested: 1, left: 0 });
    expect(await backOf(id)).toBe(1999);
  });

  test("that failed may be refunded by name again", async () => {
    const { refund, of, apple, id, act } = await givenPaid();
    await refund({ items: [of(apple)] });
    await env.DB.batch([
      env.DB.prepare("UPDATE refunds SET state = 'failed'"),
      env.DB.prepare("UPDATE payments SET refunded = 0"),
    ]);
    expect((await refund({ items: [of(apple)] })).status).toBe(201);
    expect((await act(id, "shipments")).body.order.status).toBe("processing");
  });

  test("that failed is to be shipped again", async () => {
    const { refund, of, apple, id, act, toShip } = await givenPaid();
    await refund({ items: [of(apple)] });
    await act(id, "shipments");
    expect(await toShip()).toEqual([]);
    await env.DB.batch([
      env.DB.prepare("UPDATE refunds SET state = 'failed'"),
      env.DB.prepare("UPDATE payments SET refunded = 0"),
    ]);
    expect(await toShip()).toEqual([id]);
    expect((await act(id, "shipments")).body.order.status).toBe("shipped");
  });

  test("of more than is left of the payment is refused", async () => {
    const { refund, of, apple } = await givenPaid();
    await refund({ amount: "30.00" });
    const refused = await refund({ items: [of(apple)] });
    expect(refusalOf(refused)).toEqual([409, "refund_exceeds_captured"]);
    expect(refused.body.left).toEqual(usd("9.98"));
  });

  test.each<[Record<string, unknown>, string]>([
    [{ items: [] }, "items"],
    [{ items: [{ product_id: "prd_x", quantity: 0 }] }, "items.0.quantity"],
    [{ items: [{ product_id: "prd_x", quantity: 1.5 }] }, "items.0.quantity"],
    [{ items: [{ product_id: "prd_x", quantity: 1 }] }, "items.0.product_id"],
    [{ items: [{ product_id: "prd_x", quantity: 1, restock: true }] }, "items.0.restock"],
    [{ items: [{ product_id: "prd_x", quantity: 1 }], amount: "1.00" }, "items"],
  ])("%j is none", async (body, field) => {
    const { refund, id } = await givenPaid();
    expect(refusalOf(await refund(body)).slice(0, 3)).toEqual([422, "invalid_body", field]);
    expect(await refundsOf(id)).toEqual([]);
  });
});

describe("what was refunded in full", () => {
  test("stays when the rest is shipped, and a close gives no more back", async () => {
    const { act, refund, of, apple, pear, id, page, toShip } = await givenPaid();
    expect(await toShip()).toEqual([id]);
    await refund({ items: [of(apple)] });
    const shipped = await act(id, "shipments");
    expect(shipped.body).toMatchObject({
      shipment: { items: [{ product_id: pear, quantity: 1 }] },
      order: { status: "processing" },
    });
    expect(await toShip()).toEqual([]);
    expect(refusalOf(await act(id, "shipments"))).toEqual([409, "refunded"]);
    expect(refusalOf(await act(id, "transitions", { to: "shipped" }))).toEqual([409, "refunded"]);
    const closed = await act(id, "close");
    expect(closed.body).toMatchObject({
      status: "shipped",
      refund: null,
      totals: { total: usd("39.98"), refunded: usd("19.99"), kept: usd("19.99") },
    });
    expect(await backOf(id)).toBe(1999);
    expect((await page(id)).body.totals).toEqual(closed.body.totals);
    expect(await levels(apple)).toMatchObject({ on_hand: 5, reserved: 0 });
  });

  test("by an amount that names nothing counts for what is closed", async () => {
    const { act, refund, of, pear, id } = await givenPaid();
    await refund({ amount: "25.00" });
    expect((await act(id, "shipments", { items: [of(pear)] })).status).toBe(201);
    expect((await act(id, "close")).body.refund).toBeNull();
    expect(await backOf(id)).toBe(2500);
  });

  test("ships where somebody insists, by each of the ways", async () => {
    for (const way of ["shipments", "items", "transitions"] as const) {
      const { act, refund, of, apple, id, toShip } = await givenPaid();
      await refund({ items: [of(apple)] });
      if (way === "transitions") await act(id, "transitions", { to: "processing" });
      const body = { shipments: {}, items: { items: [of(apple)] }, transitions: { to: "shipped" } }[way];
      const path = way === "transitions" ? way : "shipments";
      const refused = await act(id, path, body);
      if (way === "items") expect(refusalOf(refused)).toEqual([409, "refunded", "items.0.quantity"]);
      if (way === "transitions") expect(refusalOf(refused)).toEqual([409, "refunded"]);
      const forced = await act(id, path, { ...body, force: true });
      expect([forced.status, (forced.body.order ?? forced.body).status]).toEqual(
        way === "items" ? [201, "processing"] : [way === "transitions" ? 200 : 201, "shipped"],
      );
      expect((await toShip()).includes(id)).toBe(way === "items");
    }
  });

  test("as a whole order ships nothing, and is on no list of what to ship", async () => {
    const { act, refund, id, toShip, store } = await givenPaid();
    await refund();
    expect(refusalOf(await act(id, "shipments"))).toEqual([409, "refunded"]);
    expect([await toShip(), await toShip(`&store_id=${store}`), await toShip("&status=confirmed")]).toEqual([
      ...[[], [], []],
    ]);
    const cancelled = await act(id, "cancel");
    expect(cancelled.body).toMatchObject({ status: "cancelled", refund: null });
  });

  test("is of a store's list what lies there, and of no other's", async () => {
    const member = await staff();
    const { id, storeIds, productIds } = await givenSold([[1, 1]], [2]);
    const list = async (store: string) =>
      (await read(`/orders?to_ship=true&store_id=${store}`, member.headers)).body.count;
    const [here = "", there = ""] = storeIds;
    expect([await list(here), await list(there)]).toEqual([1, 1]);
    const items = [{ product_id: productIds[0], quantity: 1 }];
    await member.act(id, "shipments", { items, store_id: here });
    expect([await list(here), await list(there)]).toEqual([0, 1]);
  });
});

describe("what is to be shipped", () => {
  test("is a unit whose like came back and was paid back", async () => {
    const { act, of, apple, pear, id, store, toShip } = await givenPaid([2, 1]);
    await act(id, "shipments", { items: [of(apple), of(pear)] });
    const back = { items: [{ ...of(apple), restock: true }], store_id: store, reason: "too small" };
    expect((await act(id, "returns", back)).body.refund.items).toMatchObject([of(apple)]);
    expect(await toShip()).toEqual([id]);
    expect((await act(id, "shipments")).body).toMatchObject({
      shipment: { items: [of(apple)] },
      order: { status: "shipped" },
    });
  });

  test("is an order on invoice whose late card payment was given back", async () => {
    const { act, id, toShip } = await givenPaid();
    await env.DB.batch([
      env.DB.prepare("UPDATE payments SET status = 'given_back', refunded = captured"),
      env.DB.prepare("UPDATE orders SET payment_status = 'none', version = version + 1"),
    ]);
    expect(await toShip()).toEqual([id]);
    expect((await act(id, "shipments")).body.order.status).toBe("shipped");
  });
});

describe("closing", () => {
  test("with refund: false gives nothing back, and says what was kept", async () => {
    const { act, of, pear, id } = await givenPaid();
    await act(id, "shipments", { items: [of(pear)] });
    const closed = await act(id, "close", { refund: false, reason: "settled by voucher" });
    expect(closed.body).toMatchObject({
      ...{ refund: null, payment_status: "paid" },
      totals: { refunded: usd("0.00"), kept: usd("39.98") },
    });
    expect(await owed("refund")).toEqual([]);
  });

  test("of what nobody has paid yet says what is to be kept", async () => {
    const { act } = await staff();
    const { id, productIds } = await givenSold([[5], [5]], [1, 1]);
    await act(id, "shipments", { items: [{ product_id: productIds[0], quantity: 1 }] });
    expect((await act(id, "close")).body.totals).toMatchObject({ total: usd("39.98"), kept: usd("19.99") });
  });

  test("names its refund again where its answer was lost", async () => {
    const { act, of, pear, apple, id } = await givenPaid();
    await act(id, "shipments", { items: [of(pear)] });
    const key = { "Idempotency-Key": "close-it" };
    const closed = await act(id, "close", {}, key);
    expect(closed.body.refund).toMatchObject({
      amount: usd("19.99"),
      items: [{ product_id: apple, quantity: 1 }],
    });
    await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
    expect((await act(id, "close", {}, key)).body).toEqual(closed.body);
    expect(await refundsOf(id)).toHaveLength(1);
  });
});

describe("a return", () => {
  test("gives back what is due for it, and names it", async () => {
    const { act, of, apple, id, store, history } = await givenPaid([2, 1]);
    await act(id, "shipments");
    const back = { items: [{ ...of(apple), restock: true }], store_id: store, reason: "too small" };
    const key = { "Idempotency-Key": "the-return" };
    const made = await act(id, "returns", back, key);
    expect(made.body).toMatchObject({
      refund: { amount: usd("19.99"), items: [{ product_id: apple, quantity: 1 }] },
      order: { payment_status: "refund_due", totals: { refunded: usd("19.99"), kept: usd("39.98") } },
    });
    await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
    expect((await act(id, "returns", back, key)).body).toEqual(made.body);
    expect(await owed("refund")).toEqual([{ refund_id: made.body.refund.id }]);
    expect((await history(id)).at(-1)?.kind).toBe("return");
  });

  test("of what was refunded before gives nothing more back", async () => {
    const { act, refund, of, apple, pear, id, store } = await givenPaid();
    await act(id, "shipments");
    await refund({ items: [of(apple)], reason: "broken" });
    const back = (product: string) => ({ items: [of(product)], store_id: store, reason: "as agreed" });
    expect((await act(id, "returns", back(apple))).body.refund).toBeNull();
    expect((await act(id, "returns", back(pear))).body.refund).toMatchObject({ amount: usd("19.99") });
    expect(await backOf(id)).toBe(2 * 1999);
  });
});

test("cancelling gives back what was not, in one refund that it names", async () => {
  const { act, refund, of, apple, pear, id } = await givenPaid();
  await refund({ items: [of(apple)] });
  expect((await act(id, "cancel")).body).toMatchObject({
    refund: { amount: usd("19.99"), items: [{ product_id: pear, quantity: 1 }] },
    totals: { refunded: usd("39.98"), kept: usd("0.00") },
  });
});

test("a refund of two payments names the units once", async () => {
  const { act, apple, pear, of, id } = await givenPaid();
  await env.DB.batch([
    env.DB.prepare("UPDATE payments SET amount = 3000, captured = 3000"),
    env.DB.prepare(
      `INSERT INTO payments (id, order_id, provider, status, amount, currency, captured, refunded, stamp, created_at, updated_at)
       SELECT 'pay_second', order_id, provider, status, 998, currency, 998, 0, 's', 2, 2 FROM payments`,
    ),
  ]);
  const { body } = await act(id, "cancel");
  expect(body.totals).toMatchObject({ refunded: usd("39.98"), kept: usd("0.00") });
  expect(await refundsOf(id)).toMatchObject([
    {
      amount: 3000,
      items: JSON.stringify([
        { ...of(apple), amount: 1999 },
        { ...of(pear), amount: 1999 },
      ]),
    },
    { amount: 998, items: null },
  ]);
});

describe("history has the kind of each entry", () => {
  test("of a part-shipped, refunded and closed order", async () => {
    const { act, refund, of, apple, pear, id, history } = await givenPaid();
    await act(id, "shipments", { items: [of(pear)] });
    await refund({ items: [of(apple)] });
    await act(id, "close");
    await act(id, "transitions", { to: "delivered" });
    const kinds = async () => (await history(id)).map(({ kind }: Wire) => kind);
    const expected = ["shipment", "refund", "close", "transition"];
    expect(await kinds()).toEqual(expected);
    // Rows from before it was written there.
    await env.DB.prepare("UPDATE order_history SET kind = NULL").run();
    expect(await kinds()).toEqual(expected);
  });
});
