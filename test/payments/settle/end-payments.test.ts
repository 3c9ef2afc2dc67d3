import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { providerOf } from "../../../src/payments/providers.ts";
import { checkSettings } from "../../../src/platform/settings.ts";
import { askUnder, refusalOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { post } from "../../support/shop.ts";
import { StripeStub } from "../../support/stripe-stub.ts";
import { intentEvent, STRIPE_SETTINGS, tellStripe } from "../tell.ts";
import { HOUR, MINUTE, openPayment, orderRow, paymentRows, QUIET, rows, Till } from "./till.ts";

/** PaymentIntents from their first failure to their end, and the end of those whose order is dead. */

let stripe: StripeStub;
/** What happens at Stripe's door, before it answers. */
let meanwhile: () => Promise<void>;
beforeEach(() => {
  stripe = new StripeStub();
  meanwhile = async () => {};
  const network = vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const now = meanwhile;
    meanwhile = async () => {};
    await now();
    return stripe.fetch(input as RequestInfo, init);
  });
  return () => network.mockRestore();
});

async function givenShop() {
  const till = await Till.open(3);
  const read = checkSettings({ ...env, ...STRIPE_SETTINGS });
  if (read.kind === "misconfigured") throw new Error("the test's settings are wrong");
  till.real = { refunderOf: providerOf, cancellerOf: providerOf, settings: read.settings };
  const order = await till.order();
  const owner = { "X-Order-Token": order.access_token ?? "" };
  const pay = () =>
    askUnder({ ...STRIPE_SETTINGS, ...QUIET }, "POST", `/orders/${order.id}/payments`, undefined, owner);
  const cancel = () => post(`/orders/${order.id}/cancel`, {}, owner);
  const hear = async (type: string, intent: string) => {
    const metadata = { reference: order.reference };
    await tellStripe(
      intentEvent(`evt_${type}_${intent}`, `payment_intent.${type}`, { id: intent, metadata }),
    );
    await till.drain();
  };
  return { till, order, pay, cancel, hear };
}

const cancels = () => stripe.calls.map(({ path }) => path).filter((path) => path.endsWith("/cancel"));
const endings = () => rows("SELECT state FROM work WHERE task = 'end-payments'");

describe("an intent", () => {
  test("that failed is tried again as it is, so that no two can be paid", async () => {
    const { till, order, pay, hear } = await givenShop();
    const first = await pay();
    await hear("payment_failed", "pi_1");
    expect(await orderRow(order.id)).toMatchObject({ status: "pending", payment_status: "failed" });
    const second = await pay();
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect([stripe.intents.size, (await paymentRows(order.id)).length]).toEqual([1, 1]);
    await hear("succeeded", "pi_1");
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    await till.settle();
  });

  test("that was cancelled is dead, and the next open makes another", async () => {
    const { till, order, pay, hear } = await givenShop();
    const first = await pay();
    await hear("canceled", "pi_1");
    expect(await paymentRows(order.id)).toMatchObject([{ id: first.body.id, status: "failed" }]);
    expect(await orderRow(order.id)).toMatchObject({ status: "pending", payment_status: "failed" });
    const second = await pay();
    expect(second.body).toMatchObject({ status: "open", client_secret: "pi_2_secret_x" });
    // Told again in another event, it ends nothing else.
    await tellStripe(
      intentEvent("evt_again", "payment_intent.canceled", { metadata: { reference: order.reference } }),
    );
    await till.drain();
    expect(await paymentRows(order.id)).toMatchObject([{ status: "failed" }, { status: "open" }]);
    await hear("succeeded", "pi_2");
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    await till.settle();
  });

  test("whose name nobody wrote down is ended too", async () => {
    const { till, order, pay, hear } = await givenShop();
    await openPayment(order, { id: "pay_lost", provider: "stripe" });
    await hear("canceled", "pi_lost");
    expect(await paymentRows(order.id)).toMatchObject([{ id: "pay_lost", status: "failed" }]);
    expect((await pay()).body.id).not.toBe("pay_lost");
    await till.settle();
  });
});

describe("an order that dies", () => {
  test.each(["cancelled", "expired"])("%s: its intent is cancelled at Stripe, once", async (how) => {
    const { till, order, pay, cancel, hear } = await givenShop();
    await pay();
    if (how === "cancelled") await cancel();
    testClock.advance(31 * MINUTE);
    await till.expire();
    await till.drain();
    expect(cancels()).toEqual(["/v1/payment_intents/pi_1/cancel"]);
    expect(stripe.intents.get("pi_1")).toMatchObject({ status: "canceled" });
    expect(await paymentRows(order.id)).toMatchObject([{ status: "failed", captured: 0 }]);
    expect(refusalOf(await pay())).toEqual([409, "not_payable"]);
    // What Stripe tells of it then changes nothing.
    const { version } = (await orderRow(order.id)) ?? {};
    await hear("canceled", "pi_1");
    expect(await orderRow(order.id)).toMatchObject({ status: how, payment_status: "awaiting", version });
    await till.settle();
    expect(cancels()).toHaveLength(1);
  });

  test("owes nothing where nothing is open that somebody could pay", async () => {
    const { till, order, cancel } = await givenShop();
    await openPayment(order, { id: "pay_1" });
    await cancel();
    const other = await till.order();
    await openPayment(other, { id: "pay_2", provider: "stripe", providerId: "pi_2" });
    await env.DB.prepare("UPDATE payments SET status = 'failed' WHERE id = 'pay_2'").run();
    testClock.advance(31 * MINUTE);
    await till.expire();
    expect(await orderRow(other.id)).toMatchObject({ status: "expired" });
    expect(await endings()).toEqual([]);
  });

  test("after it was paid is left to what Stripe tells", async () => {
    const { till, order, pay, cancel, hear } = await givenShop();
    await pay();
    (stripe.intents.get("pi_1") ?? {}).status = "succeeded";
    await cancel();
    await till.drain();
    expect(await endings()).toEqual([{ state: "done" }]);
    expect(await paymentRows(order.id)).toMatchObject([{ status: "open" }]);
    await hear("succeeded", "pi_1");
    expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "refunded" });
    await till.settle();
    expect(stripe.refunds.size).toBe(1);
  });

  test("with an intent that Stripe does not know is done with it", async () => {
    const { till, order, pay, cancel } = await givenShop();
    await pay();
    stripe.intents.clear();
    await cancel();
    await till.drain();
    expect([await endings(), await paymentRows(order.id)]).toMatchObject([
      [{ state: "done" }],
      [{ status: "failed" }],
    ]);
  });

  test.each(["no connection", "answers 500", "loses answers"] as const)(
    "while Stripe has trouble (%s) ends it later",
    async (trouble) => {
      const { till, order, pay, cancel } = await givenShop();
      await pay();
      stripe.trouble = trouble;
      await cancel();
      await till.drain();
      expect(await endings()).toEqual([{ state: "owed" }]);
      stripe.trouble = "none";
      testClock.advance(HOUR);
      await till.drain();
      expect([await endings(), await paymentRows(order.id)]).toMatchObject([
        [{ state: "done" }],
        [{ status: "failed" }],
      ]);
      expect(stripe.intents.get("pi_1")).toMatchObject({ status: "canceled" });
    },
  );

  test.each([
    ["before its task ran", false],
    ["and its task found no name to end", true],
  ])("while an intent is opened for it, %s, gives nobody its secret", async (_when, ended) => {
    const { till, order, pay, cancel } = await givenShop();
    meanwhile = async () => {
      await cancel();
      if (ended) await till.drain();
    };
    expect(refusalOf(await pay())).toEqual([409, "not_payable"]);
    expect(await paymentRows(order.id)).toMatchObject([{ status: "open", provider_id: "pi_1" }]);
    await till.drain();
    expect(await paymentRows(order.id)).toMatchObject([{ status: "failed", provider_id: "pi_1" }]);
    expect(stripe.intents.get("pi_1")).toMatchObject({ status: "canceled" });
    await till.settle();
  });
});
