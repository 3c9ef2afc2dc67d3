import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { followOrder } from "../../../src/orders/steps/tasks.ts";
import { testContext } from "../../events/context.ts";
import { countOf, levels, refusalOf } from "../ask.ts";
import { givenSold, staff } from "./staff.ts";

/** Units that the ledger says have left. */
async function left(productId: string): Promise<number[]> {
  const { movements } = await stockOf(env, productId).movements(null, 100);
  return movements.filter(({ type }) => type === "ship").map(({ quantity }) => -quantity);
}

describe("a shipment", () => {
  test("without a body ships all that is left, of a confirmed order too", async () => {
    const { act, page, history } = await staff();
    const { id, productIds, storeIds } = await givenSold([[5], [4]], [2, 1]);
    const [apple = "", pear = ""] = productIds;
    const made = await act(id, "shipments");
    expect([made.status, made.headers.get("ETag")]).toEqual([201, '"2"']);
    expect(made.body).toMatchObject({
      shipment: {
        id: expect.stringMatching(/^shp_/),
        items: [
          { product_id: apple, store_id: storeIds[0], quantity: 2 },
          { product_id: pear, store_id: storeIds[0], quantity: 1 },
        ],
        tracking: null,
        carrier: null,
      },
      order: { id, status: "shipped", version: 2 },
    });
    expect(await levels(apple)).toMatchObject({ on_hand: 3, reserved: 0 });
    expect(await levels(pear)).toMatchObject({ on_hand: 3, reserved: 0 });
    expect((await page(id)).body.shipments).toEqual([made.body.shipment]);
    expect((await history(id))[1]).toMatchObject({ from: "confirmed", to: "shipped" });
  });

  test("of a part keeps the order in processing until the last part has left", async () => {
    const { act, page, way } = await staff();
    const { id, productIds } = await givenSold([[5], [4]], [3, 1]);
    const [apple = "", pear = ""] = productIds;
    const first = await act(id, "shipments", {
      items: [{ product_id: apple, quantity: 2 }],
      tracking: " 1Z999 ",
      carrier: "UPS",
    });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      shipment: { tracking: "1Z999", carrier: "UPS" },
      order: {
        status: "processing",
        version: 2,
        items: [{ allocations: [{ quantity: 3, shipped: 2 }] }, { allocations: [{ quantity: 1 }] }],
      },
    });
    expect(await levels(apple)).toMatchObject({ on_hand: 3, reserved: 1 });
    expect(await levels(pear)).toMatchObject({ on_hand: 4, reserved: 1 });

    const second = await act(id, "shipments", { items: [{ product_id: pear, quantity: 1 }] });
    expect(second.body.order).toMatchObject({ status: "processing", version: 3 });
    const third = await act(id, "shipments");
    expect(third.body).toMatchObject({
      shipment: { items: [{ product_id: apple, quantity: 1 }] },
      order: { status: "shipped", version: 4 },
    });
    expect(await levels(apple)).toMatchObject({ on_hand: 2, reserved: 0 });
    expect(await levels(pear)).toMatchObject({ on_hand: 3, reserved: 0 });
    expect(await way(id)).toEqual(["confirmed", "processing", "processing", "shipped"]);
    expect((await page(id)).body.shipments.map(({ id }: { id: string }) => id)).toEqual(
      [first, second, third].map(({ body }) => body.shipment.id),
    );
    const { results } = await env.DB.prepare("SELECT type FROM events ORDER BY seq").all<{ type: string }>();
    expect(results.map(({ type }) => type)).toEqual([
      "order.placed",
      "order.shipment",
      "order.shipment",
      "order.shipped",
    ]);
  });

  test("adds up its lines of one product", async () => {
    const { act } = await staff();
    const { id, productIds } = await givenSold([[5]], [3]);
    const line = { product_id: productIds[0], quantity: 2 };
    const tooMany = await act(id, "shipments", { items: [line, line] });
    expect(refusalOf(tooMany)).toEqual([409, "more_than_left", "items.0.quantity"]);
    expect(tooMany.body.errors[0]).toMatchObject({ product_id: productIds[0], requested: 4, left: 3 });
    const made = await act(id, "shipments", { items: [line, { ...line, quantity: 1 }] });
    expect(made.body.order.status).toBe("shipped");
  });
});

describe("of an order that lies in several stores", () => {
  const split = () => givenSold([[2, 3]], [4]);

  test("a shipment from one takes only what is allocated there", async () => {
    const { act } = await staff();
    const { id, productIds, storeIds } = await split();
    const [product = ""] = productIds;
    const allocated = (body: { items: { allocations: { store_id: string; quantity: number }[] }[] }) =>
      body.items[0]?.allocations ?? [];
    const { page } = await staff();
    const parts = allocated((await page(id)).body);
    // Which store gives more is a hint of the projection's, which may be behind.
    expect(parts.map(({ store_id }) => store_id).sort()).toEqual([...storeIds].sort());

    for (const [index, { store_id, quantity }] of parts.entries()) {
      const made = await act(id, "shipments", { store_id });
      expect(made.body).toMatchObject({
        shipment: { items: [{ product_id: product, store_id, quantity }] },
        order: { status: index === 0 ? "processing" : "shipped" },
      });
    }
    const { stores } = await levels(product);
    for (const [index, storeId] of storeIds.entries()) {
      const taken = parts.find((part) => part.store_id === storeId)?.quantity ?? 0;
      const level = stores.find(({ store_id }) => store_id === storeId);
      expect(level).toMatchObject({ on_hand: (index === 0 ? 2 : 3) - taken, reserved: 0 });
    }
  });

  test("more than is left there is refused, and so is a store that has none of it", async () => {
    const { act, page } = await staff();
    const { id, productIds } = await split();
    const { store_id, quantity = 0 } = (await page(id)).body.items[0]?.allocations[0] ?? {};
    const items = [{ product_id: productIds[0], quantity: quantity + 1 }];
    const refused = await act(id, "shipments", { items, store_id });
    expect(refusalOf(refused)).toEqual([409, "more_than_left", "items.0.quantity"]);
    expect(refused.body.errors[0]).toMatchObject({ left: quantity });
    expect(refusalOf(await act(id, "shipments", { store_id: "sto_elsewhere" }))).toEqual([
      422,
      "not_allocated",
      "store_id",
    ]);
    await act(id, "shipments", { store_id });
    expect(refusalOf(await act(id, "shipments", { store_id }))).toEqual([409, "nothing_left"]);
    expect((await page(id)).body).toMatchObject({ version: 2, status: "processing" });
  });
});

describe("what cannot be shipped", () => {
  test("is another order's item", async () => {
    const { act } = await staff();
    const { id, productIds } = await givenSold([[5]], [2]);
    const other = await givenSold([[5]], [2]);
    const items = [productIds[0], other.productIds[0]].map((product_id) => ({ product_id, quantity: 1 }));
    expect(refusalOf(await act(id, "shipments", { items }))).toEqual([
      422,
      "unknown_item",
      "items.1.product_id",
    ]);
    expect(await countOf("shipments")).toBe(0);
  });

  test.each(["pending", "cancelled", "shipped", "delivered"])("is an order that is %s", async (status) => {
    const { act, page } = await staff();
    const { id } = await givenSold([[5]], [2], status === "pending" ? { payment_method: "card" } : {});
    if (status === "cancelled") await act(id, "cancel");
    if (status === "shipped" || status === "delivered") await act(id, "shipments");
    if (status === "delivered") await act(id, "transitions", { to: "delivered" });
    const before = (await page(id)).body;
    const refused = await act(id, "shipments");
    expect(refusalOf(refused)).toEqual([409, "not_shippable"]);
    expect(refused.body.order_status).toBe(status);
    expect((await page(id)).body).toEqual(before);
  });

  test("is an order at another version", async () => {
    const { act, page } = await staff();
    const { id } = await givenSold([[5]], [2]);
    expect(refusalOf(await act(id, "shipments", {}, { "If-Match": '"7"' }))).toEqual([412, "stale"]);
    expect((await page(id)).body.version).toBe(1);
  });
});

describe("at once", () => {
  test("ten parcels of one unit each leave of six, and never a seventh", async () => {
    const { act, page } = await staff();
    const { id, productIds } = await givenSold([[9]], [6]);
    const [product = ""] = productIds;
    const items = [{ product_id: product, quantity: 1 }];
    const answers = await Promise.all(Array.from({ length: 10 }, () => act(id, "shipments", { items })));
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array(6).fill(201),
      ...Array(4).fill(409),
    ]);
    const { body } = await page(id);
    expect(body).toMatchObject({ status: "shipped", version: 7 });
    expect(body.shipments).toHaveLength(6);
    await expect.poll(() => levels(product)).toMatchObject({ on_hand: 3, reserved: 0 });
  });

  test("ten twins of one parcel send it once", async () => {
    const { act, page } = await staff();
    const { id, productIds } = await givenSold([[9]], [6]);
    const items = [{ product_id: productIds[0], quantity: 1 }];
    const headers = { "Idempotency-Key": "parcel" };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => act(id, "shipments", { items }, headers)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(new Set(answers.map(({ body }) => body.shipment.id)).size).toBe(1);
    await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
    const again = await act(id, "shipments", { items }, headers);
    expect(again.text).toBe(answers[0]?.text);
    expect((await page(id)).body).toMatchObject({ version: 2, shipments: [{}] });
    expect(await left(productIds[0] ?? "")).toEqual([1]);
  });
});

test("however often and late Stock is told, the units leave once", async () => {
  const { act } = await staff();
  const { id, productIds } = await givenSold([[9]], [6]);
  const [product = ""] = productIds;
  const stock = stockOf(env, product);
  const [hold] = await stock.holds();
  const [level] = (await stock.levels()).stores;
  const claim = hold?.claim ?? "";
  const told = (version: number, keep: number, shipped: number) => ({
    claim,
    version,
    state: { [level?.store_id ?? ""]: { keep, shipped } },
  });
  await act(id, "shipments", { items: [{ product_id: product, quantity: 2 }] });
  await act(id, "shipments", { items: [{ product_id: product, quantity: 1 }] });
  await act(id, "shipments");
  expect(await left(product)).toEqual([3, 1, 2]);
  // What was said on the way comes again, in every order, and so does the task.
  for (const late of [told(3, 3, 3), told(1, 6, 0), told(2, 4, 2), told(4, 0, 6), told(2, 4, 2)]) {
    expect(await stock.follow(product, [late])).toEqual([{ kind: "stale" }]);
  }
  const task = { id: "wrk_late", objectId: id, payload: { order_id: id }, attempt: 1 };
  for (let times = 0; times < 5; times++) {
    expect(await followOrder(testContext(), task)).toEqual({ kind: "done" });
  }
  expect(await left(product)).toEqual([3, 1, 2]);
  expect(await levels(product)).toMatchObject({ on_hand: 3, reserved: 0 });
});
