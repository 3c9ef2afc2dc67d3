import { beforeEach, expect, test } from "vitest";
import { givenFlagged, givenUnmatched } from "../payments/settle/by-staff.ts";
import { TOTAL } from "../payments/settle/endings.ts";
import { paymentRows, Till, tell } from "../payments/settle/till.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { Trace, traced } from "./traced.ts";

/**
 * How often each command under an Idempotency-Key leaves the Worker, in an isolate that is new, with what goes on after
 * the answer: docs/DESIGN.md §6. First the isolate looks whether the shop is being restored, and whether the session stands.
 */

let staff: SignedIn;
let keys = 0;
beforeEach(async () => {
  staff = await signIn("staff");
});

const LOOK = "D1.batch";
/** Its order and its key; the step and its answer; both products' stock; the lists, and the task that would have told them. */
const STEP = [LOOK, "D1.batch", "D1.batch", "Stock.followAndCarry", "Stock.followAndCarry", "D1.batch"];

/** Its key; what is known of the money; its change and its answer. */
const CHANGE = [LOOK, "D1.batch", "D1.batch", "D1.batch"];

interface Sent {
  path: string;
  body?: unknown;
}

/** Sends a command and the same again: its calls, once the repeat was told the same bytes in one call. */
async function callsOf({ path, body = {} }: Sent): Promise<string[]> {
  const headers = { ...staff.headers, "Idempotency-Key": `a-key-of-commands-${++keys}` };
  const send = async () => {
    const trace = new Trace();
    const done = await traced(trace, "POST", path, body, headers);
    await done.rest();
    return { ...done, calls: trace.calls };
  };
  const first = await send();
  expect([path, first.answer.status, first.answer.text]).toEqual([
    path,
    expect.closeTo(200, -0.5),
    expect.anything(),
  ]);
  const again = await send();
  expect(again.answer.headers.get("idempotency-replayed")).toBe("true");
  expect([again.answer.status, again.answer.text]).toEqual([first.answer.status, first.answer.text]);
  expect(again.calls).toEqual([LOOK, "D1.batch"]);
  // Whose customer is mailed is not asked here: that wake-up goes beside the rest.
  return first.calls.filter((call) => call !== "notifications.sendBatch");
}

/** An order of one unit each of two products, from two sold ones of each. */
async function givenOrder(payment_method: "invoice" | "card" = "invoice") {
  const { productIds, storeIds } = await givenShop([[5], [5]]);
  const body = basket(Object.fromEntries(productIds.map((id) => [id, 2])), { payment_method });
  const order = await placed(await post("/orders", body));
  const [productId = ""] = productIds;
  return { ...order, path: `/orders/${order.id}`, productId, storeId: storeIds[0] ?? "" };
}

test("commands on an order: one call for it and its key, one for the step and its answer, and Stock's", async () => {
  const sold = await givenOrder();
  const paid = await givenOrder();
  const open = await givenOrder("card");
  const { path, productId, storeId } = sold;
  const items = [{ product_id: productId, quantity: 1 }];
  const back = { items: [{ ...items[0], restock: true }], store_id: storeId, reason: "too small" };

  expect(await callsOf({ path: `${paid.path}/cancel` })).toEqual(STEP);
  // Stock has nothing to learn from it.
  expect(await callsOf({ path: `${path}/transitions`, body: { to: "processing" } })).toEqual([
    LOOK,
    "D1.batch",
    "D1.batch",
  ]);
  expect(await callsOf({ path: `${path}/shipments`, body: { items } })).toEqual(STEP);
  expect(await callsOf({ path: `${path}/close` })).toEqual(STEP);
  expect(await callsOf({ path: `${path}/returns`, body: back })).toEqual([
    LOOK,
    "D1.batch",
    // The store that it comes back to, and what came back before.
    "D1.batch",
    "D1.batch",
    "D1.batch",
    "Stock.adjust",
    "D1.run",
  ]);
  expect(await callsOf({ path: `${open.path}/payments` })).toEqual([
    LOOK,
    "D1.batch",
    "D1.batch",
    "D1.batch",
  ]);
});

test("commands on money", async () => {
  const till = await Till.open(5, 5);
  const order = await till.order();
  await tell(order, { amount: TOTAL });
  await till.drain();
  const [payment] = await paymentRows(order.id);
  const flagged = await givenFlagged(till);
  const unmatched = await givenUnmatched(till, { amount: TOTAL });
  const other = await till.order();
  const events = "/payments/events/standard";
  const refund = { amount: { amount: "1.00" } };

  expect(await callsOf({ path: `/payments/${payment?.id}/refund`, body: refund })).toEqual([
    ...CHANGE,
    "payments.sendBatch",
  ]);
  expect(await callsOf({ path: `${events}/${flagged.eventId}/give-back` })).toEqual([
    ...CHANGE,
    "payments.sendBatch",
  ]);
  expect(
    await callsOf({ path: `${events}/${unmatched.eventId}/match`, body: { order: other.reference } }),
  ).toEqual([...CHANGE, "payments.sendBatch"]);
});

test("commands on stock, whose answer is stored after the object has it, and on the catalogue", async () => {
  const { productIds, storeIds, categoryIds } = await givenShop([[5, 5]]);
  const stock = `/inventory/${productIds[0]}`;
  const [from_store_id, to_store_id] = storeIds;
  const reason = "counted";
  const adjusted = { store_id: from_store_id, type: "receive", quantity: 1, reason };
  const product = { sku: "NEW", title: "New", category_id: categoryIds[0], price: { amount: "1.00" } };
  const store = { name: "New", address: "Street 1", country: "DE", priority: 1 };

  expect(await callsOf({ path: `${stock}/adjust`, body: adjusted })).toEqual([
    LOOK,
    "D1.batch",
    "D1.batch",
    "Stock.adjust",
    "D1.batch",
  ]);
  expect(
    await callsOf({ path: `${stock}/transfer`, body: { from_store_id, to_store_id, quantity: 1, reason } }),
  ).toEqual([LOOK, "D1.batch", "D1.batch", "Stock.transfer", "D1.batch"]);
  expect(await callsOf({ path: "/categories", body: { name: "New", description: "" } })).toEqual([
    LOOK,
    "D1.batch",
    "D1.batch",
  ]);
  expect(await callsOf({ path: "/stores", body: store })).toEqual([LOOK, "D1.batch", "D1.batch"]);
  expect(await callsOf({ path: "/products", body: product })).toEqual([
    LOOK,
    "D1.batch",
    "D1.first",
    "D1.batch",
  ]);
});
