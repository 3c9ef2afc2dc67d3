import { expect, test } from "vitest";
import { type Answer, cancel, order, read, tokenOf } from "../orders/ask.ts";
import { staff } from "../orders/fulfilment/staff.ts";
import { givenDue } from "../payments/settle/given-refund.ts";
import { basket, givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";

const SECRET = "a quarrelsome customer";
const PAGES = ["", "/history", "/payments"];

/** All that a buyer can read of an order. */
const pages = async (id: string, headers: Record<string, string>): Promise<Answer[]> =>
  Promise.all(PAGES.map((page) => read(`/orders/${id}${page}`, headers)));

/** Of a guest or a customer, an order that staff have shipped, taken back and noted their part about. */
async function givenHandled(who: "guest" | "customer") {
  const { productIds, storeIds } = await givenShop([[5]]);
  const [product = ""] = productIds;
  const user = who === "customer" ? await signIn("customer") : null;
  const placed = await order(basket({ [product]: 2 }), user?.headers);
  const { act, ...seller } = await staff();
  const { id } = placed.body;
  await act(id, "transitions", { to: "processing", note: SECRET });
  await act(id, "shipments", { items: [{ product_id: product, quantity: 1 }] });
  await act(id, "close", { reason: SECRET });
  const items = [{ product_id: product, quantity: 1, restock: false }];
  expect((await act(id, "returns", { items, store_id: storeIds[0], reason: SECRET })).status).toBe(201);
  return { id, seller, owner: user?.headers ?? tokenOf(placed) };
}

test.each(["guest", "customer"] as const)(
  "a %s reads no reason and no name of the shop's people",
  async (who) => {
    const { id, seller, owner } = await givenHandled(who);
    for (const { status, text } of await pages(id, owner)) {
      expect(status).toBe(200);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(seller.id);
    }
    const { results } = (await read(`/orders/${id}/history`, owner)).body;
    expect(
      results.map((line: Partial<Record<"actor" | "reason", unknown>>) => [line.actor, line.reason]),
    ).toEqual([["you", null], ...Array.from({ length: 4 }, () => ["shop", null])]);
  },
);

test("staff read all of it", async () => {
  const { id, seller } = await givenHandled("guest");
  const [page, history] = await pages(id, seller.headers);
  expect(page?.body).toMatchObject({ returns: [{ reason: SECRET }] });
  expect(history?.body.results.map(({ actor }: { actor: string }) => actor)).toEqual([
    "guest",
    ...Array.from({ length: 4 }, () => seller.id),
  ]);
  expect(history?.text).toContain(SECRET);
});

test("of refunds the buyer reads what and when, and staff why", async () => {
  const { order: paid, staff: seller } = await givenDue();
  for (const { status, text } of await pages(paid.id, paid.owner)) {
    expect(status).toBe(200);
    expect(text).not.toContain("a scratch");
  }
  const [page, , payments] = await pages(paid.id, seller);
  expect(page?.text).toContain("a scratch");
  expect(payments?.text).toContain("a scratch");
});

test("a buyer reads the reason that they gave themselves", async () => {
  const { productIds } = await givenShop([[5]]);
  const placed = await order(basket({ [productIds[0] ?? ""]: 1 }));
  await cancel(placed.body.id, tokenOf(placed), { reason: "too dear" });
  const { body } = await read(`/orders/${placed.body.id}/history`, tokenOf(placed));
  expect(body.results.at(-1)).toMatchObject({ actor: "you", reason: "too dear" });
});
