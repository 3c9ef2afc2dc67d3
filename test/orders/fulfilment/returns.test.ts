import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { restockReturn } from "../../../src/orders/fulfilment/tasks.ts";
import { testContext } from "../../events/context.ts";
import { countOf, levels, refusalOf } from "../ask.ts";
import { eventsOf, owed } from "./rows.ts";
import { type Act, givenSold, staff } from "./staff.ts";

/** Three apples and a pear, shipped. */
async function shipped(act: Act) {
  const sold = await givenSold([[5], [5]], [3, 1]);
  expect((await act(sold.id, "shipments")).status).toBe(201);
  const [apple = "", pear = ""] = sold.productIds;
  const [store = ""] = sold.storeIds;
  const back = (apples: number, pears: number, restock = true, more: Record<string, unknown> = {}) => ({
    items: [
      { product_id: apple, quantity: apples, restock },
      { product_id: pear, quantity: pears, restock },
    ].filter(({ quantity }) => quantity > 0),
    store_id: store,
    reason: "too small",
    ...more,
  });
  return { ...sold, apple, pear, store, back };
}

async function returned(productId: string) {
  const { movements } = await stockOf(env, productId).movements(null, 100);
  return movements.filter(({ type }) => type === "return");
}

describe("a return", () => {
  test("of a part keeps the status, and what is restocked can be sold again", async () => {
    const { act, page, history, id: staffId } = await staff();
    const { id, apple, pear, store, back } = await shipped(act);
    const made = await act(id, "returns", back(2, 0));
    expect([made.status, made.headers.get("ETag")]).toEqual([201, '"3"']);
    expect(made.body).toMatchObject({
      return: {
        id: expect.stringMatching(/^ret_/),
        store_id: store,
        items: [{ product_id: apple, quantity: 2, restock: true }],
        reason: "too small",
      },
      order: { status: "shipped", version: 3, payment_status: "none" },
    });
    expect(await levels(apple)).toMatchObject({ on_hand: 4, reserved: 0, available: 4 });
    expect(await levels(pear)).toMatchObject({ on_hand: 4 });
    const [movement] = await returned(apple);
    expect(movement).toMatchObject({ quantity: 2, store_id: store, actor: staffId, reason: "too small" });
    expect((await page(id)).body.returns).toEqual([made.body.return]);
    expect((await history(id))[2]).toMatchObject({ from: "shipped", to: "shipped", reason: "too small" });
    expect((await eventsOf(id)).at(-1)).toMatchObject({
      type: "order.return",
      data: { return: { id: made.body.return.id } },
    });
  });

  test("of all that was shipped, in parts, ends the order", async () => {
    const { act, page, way } = await staff();
    const { id, apple, pear, back } = await shipped(act);
    await act(id, "transitions", { to: "delivered" });
    expect((await act(id, "returns", back(2, 1))).body.order.status).toBe("delivered");
    const last = await act(id, "returns", back(1, 0, false));
    expect(last.body.order).toMatchObject({ status: "returned", version: 5 });
    // What is not restocked stays away.
    expect(await levels(apple)).toMatchObject({ on_hand: 4 });
    expect(await levels(pear)).toMatchObject({ on_hand: 5 });
    expect(await way(id)).toEqual(["confirmed", "shipped", "delivered", "delivered", "returned"]);
    expect((await eventsOf(id)).map(({ type }) => type).slice(-2)).toEqual([
      "order.return",
      "order.returned",
    ]);
    expect((await page(id)).body.returns).toHaveLength(2);
    expect(refusalOf(await act(id, "returns", back(1, 0)))).toEqual([409, "not_returnable"]);
    expect(await owed("refund")).toEqual([]);
  });

  test("of a part, while the rest has yet to leave, goes no further than what has left", async () => {
    const { act, way } = await staff();
    const { id, productIds, storeIds } = await givenSold([[5]], [2]);
    const [apple = ""] = productIds;
    const one = [{ product_id: apple, quantity: 1 }];
    const comeBack = () =>
      act(id, "returns", {
        items: one.map((item) => ({ ...item, restock: true })),
        store_id: storeIds[0],
        reason: "broken",
      });
    await act(id, "shipments", { items: one });
    expect((await comeBack()).body.order).toMatchObject({ status: "processing" });
    expect(refusalOf(await comeBack())).toEqual([409, "more_than_shipped", "items.0.quantity"]);
    await act(id, "shipments", {});
    expect((await comeBack()).body.order).toMatchObject({ status: "returned" });
    expect(await way(id)).toEqual(["confirmed", "processing", "processing", "shipped", "returned"]);
    await expect.poll(() => levels(apple)).toMatchObject({ on_hand: 5, reserved: 0 });
  });

  test("of all, straight from shipped, and with one product in two lines", async () => {
    const { act } = await staff();
    const { id, apple, pear, store, back } = await shipped(act);
    const items = [
      { product_id: apple, quantity: 2, restock: true },
      { product_id: apple, quantity: 1, restock: false },
      { product_id: pear, quantity: 1 },
    ];
    const made = await act(id, "returns", back(0, 0, true, { items }));
    expect(made.body.order.status).toBe("returned");
    expect(made.body.return.items[2]).toEqual({ product_id: pear, quantity: 1, restock: false });
    expect(await levels(apple)).toMatchObject({ on_hand: 4 });
    expect(await levels(pear)).toMatchObject({ on_hand: 4 });
    expect(store).not.toBe("");
  });

  test("of a closed order is over when what was shipped is back", async () => {
    const { act } = await staff();
    const { id, productIds, storeIds } = await givenSold([[5]], [3]);
    const items = [{ product_id: productIds[0], quantity: 1 }];
    await act(id, "shipments", { items });
    await act(id, "close");
    const made = await act(id, "returns", { items, store_id: storeIds[0], reason: "broken" });
    expect(made.body.order).toMatchObject({ status: "returned", items: [{ quantity: 3, closed: 2 }] });
  });
});

describe("never more than was shipped", () => {
  test("less what came back before", async () => {
    const { act, page } = await staff();
    const { id, apple, back } = await shipped(act);
    await act(id, "returns", back(2, 0));
    const refused = await act(id, "returns", back(2, 1));
    expect(refusalOf(refused)).toEqual([409, "more_than_shipped", "items.0.quantity"]);
    expect(refused.body.errors[0]).toMatchObject({ product_id: apple, requested: 2, left: 1 });
    expect((await page(id)).body.version).toBe(3);
    expect(await levels(apple)).toMatchObject({ on_hand: 4 });
  });

  test("however many bring it back at once", async () => {
    const { act, page } = await staff();
    const { id, apple, back } = await shipped(act);
    const answers = await Promise.all(Array.from({ length: 8 }, () => act(id, "returns", back(1, 0))));
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array(3).fill(201),
      ...Array(5).fill(409),
    ]);
    expect((await page(id)).body).toMatchObject({ version: 5, status: "shipped" });
    expect(await levels(apple)).toMatchObject({ on_hand: 5 });
  });

  test("and once for each key", async () => {
    const { act } = await staff();
    const { id, apple, back } = await shipped(act);
    const headers = { "Idempotency-Key": "return" };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => act(id, "returns", back(1, 0), headers)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
    expect((await act(id, "returns", back(1, 0), headers)).text).toBe(answers[0]?.text);
    expect(await countOf("returns")).toBe(1);
    expect(await returned(apple)).toHaveLength(1);
  });
});

describe("what cannot come back", () => {
  test.each(["pending", "confirmed", "processing", "cancelled"])(
    "is of an order that is %s",
    async (status) => {
      const { act } = await staff();
      const card = status === "pending" ? { payment_method: "card" } : {};
      const { id, productIds, storeIds } = await givenSold([[5]], [2], card);
      const items = [{ product_id: productIds[0], quantity: 1 }];
      if (status === "processing") await act(id, "transitions", { to: "processing" });
      if (status === "cancelled") await act(id, "cancel");
      const refused = await act(id, "returns", { items, store_id: storeIds[0], reason: "broken" });
      expect(refusalOf(refused)).toEqual([409, "not_returnable"]);
      expect(refused.body.order_status).toBe(status);
    },
  );

  test("is what is not of the order, or comes to no store, or to another version", async () => {
    const { act, page } = await staff();
    const { id, back } = await shipped(act);
    const items = [{ product_id: "prd_other", quantity: 1 }];
    const unknown = await act(id, "returns", back(0, 0, true, { items }));
    expect(refusalOf(unknown)).toEqual([422, "unknown_item", "items.0.product_id"]);
    const nowhere = await act(id, "returns", back(1, 0, true, { store_id: "sto_nowhere" }));
    expect(refusalOf(nowhere)).toEqual([422, "unknown_store", "store_id"]);
    const stale = await act(id, "returns", back(1, 0), { "If-Match": '"1"' });
    expect(refusalOf(stale)).toEqual([412, "stale"]);
    expect((await page(id)).body).toMatchObject({ version: 2, returns: [] });
  });
});

test("a restock that comes again and again puts the units back once", async () => {
  const { act } = await staff();
  const { id, apple, pear, back } = await shipped(act);
  await act(id, "returns", back(2, 1));
  const [payload = {}] = await owed("restock");
  for (let attempt = 1; attempt <= 4; attempt++) {
    const task = { id: "wrk_late", objectId: id, payload, attempt };
    expect(await restockReturn(testContext(), task)).toEqual({ kind: "done" });
  }
  expect(await returned(apple)).toHaveLength(1);
  expect(await returned(pear)).toHaveLength(1);
  expect(await levels(apple)).toMatchObject({ on_hand: 4 });
});
