import { env } from "cloudflare:workers";
import { readClaimStates } from "../../src/claims/states.ts";
import { markTasksDone } from "../../src/events/mark.ts";
import { applyReports } from "../../src/inventory/projection/projection.ts";
import { cleanUp } from "../../src/ops/jobs/clean-up.ts";
import { sendLowStockNotice } from "../../src/ops/jobs/low-stock-notice.ts";
import { makeDailyReports } from "../../src/ops/reports/make.ts";
import { resolveDelayed } from "../../src/orders/delayed/resolve.ts";
import { claimedOrders } from "../../src/orders/steps/claimed.ts";
import { expireUnpaid } from "../../src/orders/steps/expire.ts";
import { consume } from "../../src/queues.ts";
import { runSchedule } from "../../src/schedule.ts";
import { resetTokenOf } from "../accounts/ask.ts";
import { BUYER } from "../carts/shopping.ts";
import { testContext } from "../events/context.ts";
import { standardHeaders } from "../payments/tell.ts";
import { testClock } from "../support/clock.ts";
import { basket } from "../support/shop.ts";
import type { Wire } from "../support/wire.ts";
import { measure } from "./measure.ts";
import { type Act, ask, type Costs, type Who } from "./operations.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Numbers that no run before had: of keys, names and versions. */
let turn = 0;

/** What is written, each a step of its own. */
const CHANGES: Act = async (shop, costs) => {
  turn += 1;
  const step = (what: string, request: [string, string, unknown?], who: Who = "staff", more = {}) =>
    ask(shop, costs, what, request, who, more);
  const [apple = "", pear = ""] = shop.productIds;
  const two = (more: Record<string, unknown> = {}) =>
    basket({ [apple]: 1, [pear]: 1 }, { store_id: shop.storeIds[2], ...more });
  const placed = (more: Record<string, unknown> = {}) =>
    ask(shop, () => {}, "an order", ["POST", "/orders", two(more)]);

  const cart = await step("cart made", ["POST", "/carts"], "guest");
  const opened = { "X-Cart-Token": cart.token };
  const item = `/carts/${cart.id}/items/${apple}`;
  await step("cart item put", ["PUT", item, { quantity: 1 }], "guest", opened);
  await step("cart item put again", ["PUT", item, { quantity: 2 }], "guest", opened);
  await step("cart read", ["GET", `/carts/${cart.id}`], "guest", opened);
  await step("cart checked out", ["POST", `/carts/${cart.id}/checkout`, BUYER], "guest", opened);

  const many = await ask(shop, () => {}, "a cart", ["POST", "/carts"], "guest");
  const both = [apple, pear].map((product_id) => ({ product_id, quantity: 2 }));
  const put: [string, string, unknown] = ["POST", `/carts/${many.id}/items`, { items: both }];
  await step("cart items put", put, "guest", { "X-Cart-Token": many.token });

  await step("order of two, invoice", ["POST", "/orders", two()], "guest");
  await step("order of two, card", ["POST", "/orders", two({ payment_method: "card" })], "guest");
  await step("order of two, signed in", ["POST", "/orders", two()], "buyer");
  // By then these products' levels may be told again, and the order's own batch tells the lists.
  testClock.advance(3_000);
  await step("order of two, lists and all", ["POST", "/orders", two()], "guest");
  const key = { "Idempotency-Key": `key-${turn}` };
  await step("order of two, with a key", ["POST", "/orders", two()], "buyer", key);
  await step("order of two, replayed", ["POST", "/orders", two()], "buyer", key);
  await step("bulk of 100", ["POST", "/orders/bulk", { orders: Array.from({ length: 100 }, () => two()) }]);

  const sold = `/orders/${(await placed()).id}`;
  await step("order read", ["GET", sold]);
  const lookedUp = { reference: "ORD-7K3F9QXM2A", email: "ada@shop.example" };
  await step("order's link asked for", ["POST", "/orders/lookup", lookedUp], "guest");
  const shipping_address = { name: "Ada", line1: `${turn} High Street`, city: "London", country: "GB" };
  await step("order's details changed", ["PATCH", sold, { shipping_address }]);
  await step("order processed", ["POST", `${sold}/transitions`, { to: "processing" }]);
  const items = [{ product_id: apple, quantity: 1 }];
  await step("order shipped in part", ["POST", `${sold}/shipments`, { items }]);
  await step("order closed", ["POST", `${sold}/close`, {}]);
  await step("order delivered", ["POST", `${sold}/transitions`, { to: "delivered" }]);
  const back = { items: [{ ...items[0], restock: true }], store_id: shop.storeIds[2], reason: "x" };
  await step("order returned", ["POST", `${sold}/returns`, back]);
  await step("order cancelled", ["POST", `/orders/${(await placed()).id}/cancel`, {}]);

  const adjustment = { store_id: shop.storeIds[2], type: "add", quantity: 1, reason: "x" };
  await step("one product reconciled", ["POST", "/inventory/reconcile", { product_ids: [apple] }]);
  await step("stock adjusted", ["POST", `/inventory/${apple}/adjust`, adjustment]);
  const drafted = { title: `New ${turn}`, category_id: shop.categoryId, price: { amount: "1.00" } };
  const made = await step("product made", ["POST", "/products", { ...drafted, sku: `new-${turn}` }]);
  await step("product repriced", ["PATCH", `/products/${made.id}`, { price: { amount: "2.00" } }]);
  await step("product retitled", ["PATCH", `/products/${made.id}`, { title: `Newer ${turn}` }]);
  const bulk = Array.from({ length: 20 }, (_, index) => ({ ...drafted, sku: `bulk-${turn}-${index}` }));
  await step("products, a bulk of 20", ["POST", "/products/bulk", { products: bulk }]);
  await step("product archived", ["DELETE", `/products/${made.id}`]);
  const category = await step("category made", ["POST", "/categories", { name: `New ${turn}` }]);
  await step("category deleted", ["DELETE", `/categories/${category.id}`]);
};

/** A buyer's account, and the cart that they filled before they signed in. */
const ACCOUNTS: Act = async (shop, costs) => {
  const [apple = ""] = shop.productIds;
  const credentials = { email: `new-${turn}@shop.example`, password: "analytical engine" };
  const account = { ...credentials, name: "Ada" };
  await ask(shop, costs, "registered", ["POST", "/auth/register", account], "guest");
  const cart = await ask(shop, () => {}, "a cart", ["POST", "/carts"], "guest");
  const opened = { "X-Cart-Token": cart.token };
  const put: [string, string, unknown] = ["PUT", `/carts/${cart.id}/items/${apple}`, { quantity: 1 }];
  await ask(shop, () => {}, "an item", put, "guest", opened);
  const signIn: [string, string, unknown] = ["POST", "/auth/token", credentials];
  const signedIn = await ask(shop, costs, "signed in with a cart", signIn, "guest", opened);
  const { refresh_token } = signedIn;
  const bearer = { Authorization: `Bearer ${signedIn.access_token}` };
  const { results } = await ask(shop, () => {}, "sessions", ["GET", "/me/sessions"], "guest", bearer);
  const { email } = credentials;
  await ask(shop, costs, "new password asked for", ["POST", "/auth/password-reset", { email }], "guest");
  const reset: [string, string, unknown] = [
    "POST",
    "/auth/password-reset/confirm",
    { token: await resetTokenOf(email), password: "difference engine" },
  ];
  await ask(shop, costs, "tokens refreshed", ["POST", "/auth/refresh", { refresh_token }], "guest");
  await ask(shop, costs, "a session ended", ["DELETE", `/me/sessions/${results[0].id}`], "guest", bearer);
  await ask(shop, costs, "new password set by a mail", reset, "guest");
};

/** Payments, from the provider's word to its work. */
const PAYMENTS: Act = async (shop, costs) => {
  const [apple = "", pear = ""] = shop.productIds;
  const card = { store_id: shop.storeIds[2], payment_method: "card" };
  const placed = () =>
    ask(shop, () => {}, "an order", ["POST", "/orders", basket({ [apple]: 1, [pear]: 1 }, card)]);
  const pay = async ({ reference }: Wire, what: string) => {
    const event = {
      event_id: `${what}-${turn}`,
      reference,
      status: "success",
      amount: 3998,
      currency: "USD",
    };
    const body = JSON.stringify(event);
    const headers = standardHeaders(body);
    await ask(
      shop,
      costs,
      `${what}, received`,
      ["POST", "/webhooks/payments/standard", body],
      "guest",
      headers,
    );
    await workedOff(costs, "payments", "payment-event", `${what}, worked off`);
  };

  const order = await placed();
  await ask(shop, costs, "payment opened", ["POST", `/orders/${order.id}/payments`]);
  await pay(order, "payment");
  const { results } = await ask(shop, costs, "payments listed", ["GET", `/orders/${order.id}/payments`]);
  const refund: [string, string, unknown] = ["POST", `/payments/${results[0].id}/refund`, { amount: "1.00" }];
  await ask(shop, costs, "payment refunded", refund);
  await workedOff(costs, "payments", "refund", "refund sent");

  const late = await placed();
  testClock.advance(HOUR);
  costs("job expire-unpaid, of one", await measure(expireUnpaid));
  await workedOff(costs, "orders", "follow", "follow of an expired order");
  await pay(late, "late payment");
  testClock.advance(-HOUR);
};

/** The last task of its kind that is owed, rung for. */
async function workedOff(costs: Costs, queue: string, task: string, what: string): Promise<void> {
  const id = await env.DB.prepare(
    "SELECT max(id) AS id FROM work WHERE task = ?1 AND state = 'owed' AND attempts = 0 AND not_before <= ?2",
  )
    .bind(task, testClock.now())
    .first<string>("id");
  if (id === null) throw new Error(`no ${task} is owed`);
  const message = { id: "1", body: { id }, ack: () => {}, retry: () => {} };
  costs(
    what,
    await measure((context) => consume(context, { queue, messages: [message] } as unknown as MessageBatch)),
  );
}

/** What comes by itself. */
const SWEEPS: Act = async (shop, costs) => {
  const [apple = ""] = shop.productIds;
  await workedOff(costs, "notifications", "email", "order confirmation sent");
  await workedOff(costs, "orders", "follow", "follow");
  costs(
    "hold asks",
    await measure((context) => readClaimStates(context, claimedOrders, apple, [`clm_asked_${turn}`])),
  );
  costs("work settled", await measure((context) => markTasksDone(context, ["wrk_unknown"])));
  const version = 1_000_000 + turn;
  const level = { storeId: shop.storeIds[2], onHand: 40_000, reserved: turn, version };
  const report = {
    productId: apple,
    epoch: testClock.now() + DAY,
    version,
    at: testClock.now(),
    levels: [level],
  };
  costs("stock report applied", await measure((context) => applyReports(context, [report])));

  // What is owed, low and delayed by now is dealt with; then each sweep finds nothing to do.
  await resolveDelayed(testContext());
  await sendLowStockNotice(testContext());
  await env.DB.prepare(
    "UPDATE work SET state = 'done', finished_at = ?1 WHERE state = 'owed' AND created_at > ?1 - ?2",
  )
    .bind(testClock.now(), DAY)
    .run();
  await env.DB.prepare("DELETE FROM daily_reports WHERE date > '2020-01-01'").run();
  // Minutes that no run before had.
  testClock.advance(2 * turn * MINUTE);
  await runSchedule(testContext());
  testClock.advance(MINUTE);
  costs("a minute with nothing to do", await measure(runSchedule));
  testClock.advance(-(2 * turn + 1) * MINUTE);
  costs("job low-stock-notice", await measure(sendLowStockNotice));
  costs("job daily-report", await measure((context) => makeDailyReports(context, null)));
  costs("job clean-up", await measure(cleanUp));
};

export const WRITES: Act[] = [CHANGES, ACCOUNTS, PAYMENTS, SWEEPS];
