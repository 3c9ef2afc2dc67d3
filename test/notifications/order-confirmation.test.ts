import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { wakeUp } from "../../src/events/wake-up.ts";
import { testContext } from "../events/context.ts";
import { owe, workRow } from "../events/rows.ts";
import { testClock } from "../support/clock.ts";
import worker from "../support/worker.ts";
import { confirmationOf, givenOrder, keptEmails, sendEmail } from "./orders.ts";

const task = (payload: Record<string, unknown>) => ({ id: "wrk_1", objectId: "ord_1", payload, attempt: 1 });
const confirmation = task({ template: "order_confirmation", order_id: "ord_1" });

/** The minute at which the test clock stands, so that texts can be told exactly. */
const at = Date.UTC(2026, 10, 20, 9, 8, 7);
const atThatHour = testContext({ clock: { now: () => at, sleep: async () => {} } });

async function deliver(...ids: string[]): Promise<void> {
  const messages = ids.map((id, index) => ({ id: `m${index}`, timestamp: 1, attempts: 1, body: { id } }));
  const batch = createMessageBatch("notifications", messages);
  const execution = createExecutionContext();
  await worker.queue(batch, env, execution);
  await getQueueResult(batch, execution);
}

describe("the order's confirmation", () => {
  test("work owed, bell, consumer, EMAIL binding: one mail, kept to be read", async () => {
    await givenOrder();
    await owe(confirmationOf("ord_1", "wrk_1"));
    const bell = { id: "wrk_1", task: "email" as const };
    for (const _ of [1, 2, 3]) await wakeUp(testContext(), [bell]);
    await expect.poll(async () => (await workRow("wrk_1")).state, { timeout: 15_000 }).toBe("done");

    // A later bell has been answered: those before it have been too.
    await wakeUp(testContext(), [bell]);
    await givenOrder({ id: "ord_2", email: "Eve@example.com" });
    await owe(confirmationOf("ord_2", "wrk_2"));
    await wakeUp(testContext(), [{ id: "wrk_2", task: "email" }]);
    await expect.poll(async () => (await workRow("wrk_2")).state, { timeout: 15_000 }).toBe("done");

    expect(await keptEmails()).toMatchObject([
      { work_id: "wrk_1", to_address: "ada@example.com", subject: "Your order ORD-ord_1" },
      { work_id: "wrk_2", to_address: "Eve@example.com", subject: "Your order ORD-ord_2" },
    ]);
    expect((await keptEmails())[0]?.sent_at).toBe(testClock.now());
    expect(await workRow("wrk_1")).toMatchObject({ attempts: 1 });
  });

  test("doubled bells, in one batch and in parallel ones, send once", async () => {
    await givenOrder();
    await owe(confirmationOf("ord_1", "wrk_1"));
    await Promise.all(Array.from({ length: 5 }, () => deliver("wrk_1", "wrk_1")));
    expect(await keptEmails()).toHaveLength(1);
  });

  test("repeats the order in words and figures", async () => {
    await givenOrder();
    await owe(confirmationOf("ord_1", "wrk_1"));
    await deliver("wrk_1");
    const [email] = await keptEmails();
    const today = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" }).format(testClock.now());
    expect(email?.text).toBe(
      [
        "Hello Ada Lovelace,",
        "",
        `Thank you for your order ORD-ord_1 of ${today}.`,
        "It is confirmed, and we are getting it ready.",
        "",
        "2 x Coffee beans",
        "    19.99 USD each, 39.98 USD",
        "10 x Filter papers",
        "    0.05 USD each, 0.50 USD",
        "",
        "Subtotal: 40.48 USD",
        "Shipping: 0.00 USD",
        "Total: 40.48 USD",
        "",
      ].join("\n"),
    );
    for (const part of [
      "ORD-ord_1",
      "Ada Lovelace",
      "Coffee beans",
      "2 × 19.99 USD",
      "39.98 USD",
      "40.48 USD",
    ]) {
      expect(email?.html).toContain(part);
    }
    expect(email?.html).toMatch(/^<!doctype html>/);
  });

  test("asks for a payment that is awaited, in the currency's own digits", async () => {
    const items = [{ title: "Tea", quantity: 3, unitPrice: 500 }];
    const expiresAt = at + 1_800_000;
    await givenOrder({ status: "pending", paymentStatus: "awaiting", expiresAt, currency: "JPY", items });
    expect(await sendEmail(atThatHour, confirmation)).toEqual({ kind: "done" });
    const [email] = await keptEmails();
    expect(email?.text).toContain("waiting for your payment until 20 November 2026 at 09:38:07 UTC.");
    expect(email?.text).toContain("Total: 1500 JPY");
  });

  test("what people wrote is text, never markup and never a further line", async () => {
    const title = '<script>alert("1")</script> & more';
    await givenOrder({
      name: "Ada <b>\r\nTotal: 0.00 USD",
      items: [{ title, quantity: 1, unitPrice: 100 }],
    });
    await sendEmail(testContext(), confirmation);
    const [email] = await keptEmails();
    expect(email?.html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; more");
    expect(email?.html).not.toContain("<script");
    expect(email?.html).toContain("Hello Ada b Total 0. 00 USD,");
    expect(email?.text).toContain(`1 x ${title}\n`);
    expect(email?.text).toMatch(/^Hello Ada b Total 0\. 00 USD,\n/);
  });

  test.each(["rejected", "cancelled", "expired"])(
    "a %s order gets none, nor does one that is not there",
    async (status) => {
      await givenOrder({ status });
      expect(await sendEmail(testContext(), confirmation)).toEqual({ kind: "done" });
      expect(await sendEmail(testContext(), task({ template: "order_confirmation", order_id: "?" }))).toEqual(
        {
          kind: "done",
        },
      );
      expect(await keptEmails()).toEqual([]);
    },
  );
});

describe("a mail that cannot be sent", () => {
  test("a provider's refusal is the row's error, and nothing is kept as sent", async () => {
    await givenOrder();
    const refusing = {
      send: () => Promise.reject(new Error("recipient is suppressed")),
    } as unknown as SendEmail;
    const context = testContext({ env: { ...env, EMAIL: refusing } });
    expect(await sendEmail(context, confirmation)).toEqual({
      kind: "failed",
      error: "not sent: recipient is suppressed",
    });
    expect(await keptEmails()).toEqual([]);
  });

  test("an address with a header in it reaches no provider", async () => {
    await givenOrder({ email: "ada@example.com\r\nBcc: eve@example.com" });
    const sent: unknown[] = [];
    const listening = { send: async (message: unknown) => sent.push(message) } as unknown as SendEmail;
    const outcome = await sendEmail(testContext({ env: { ...env, EMAIL: listening } }), confirmation);
    expect(outcome).toEqual({
      kind: "failed",
      error: 'not an address to send to: "ada@example.com\\r\\nBcc: eve@example.com"',
    });
    expect(sent).toEqual([]);
  });

  test("a mail that nobody knows is a failure that says so", async () => {
    expect(await sendEmail(testContext(), task({ template: "birthday" }))).toMatchObject({
      kind: "failed",
      error: expect.stringContaining("no such mail"),
    });
  });

  test("in production a mail is sent and not kept", async () => {
    await givenOrder();
    const sent: unknown[] = [];
    const listening = { send: async (message: unknown) => sent.push(message) } as unknown as SendEmail;
    const { settings } = testContext();
    const production = testContext({
      env: { ...env, EMAIL: listening },
      settings: { ...settings, ENVIRONMENT: "production" },
    });
    expect(await sendEmail(production, confirmation)).toEqual({ kind: "done" });
    expect(sent).toHaveLength(1);
    expect(await keptEmails()).toEqual([]);
  });
});
