import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { signAccessToken } from "../../src/accounts/access-token.ts";
import { keyRing } from "../../src/accounts/keys.ts";
import { signLinkToken } from "../../src/orders/read/link-token.ts";
import { expireUnpaid } from "../../src/orders/steps/expire.ts";
import { checkSettings } from "../../src/platform/settings.ts";
import { testContext } from "../events/context.ts";
import { askUnder, order, read, refusalOf } from "../orders/ask.ts";
import { givenSold, staff } from "../orders/fulfilment/staff.ts";
import { TOTAL } from "../payments/settle/endings.ts";
import { paymentRows, Till, tell } from "../payments/settle/till.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import worker from "../support/worker.ts";
import { keptEmails, sendEmail } from "./orders.ts";

const DAY = 24 * 3_600_000;

/** The templates of the mails that are owed for an order, in the order of their steps. */
async function owedFor(orderId: string): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT payload ->> 'template' AS template FROM work WHERE object_id = ?1 AND task = 'email' ORDER BY id",
  )
    .bind(orderId)
    .all<{ template: string }>();
  return results.map(({ template }) => template);
}

/** Sends what is owed, in one batch, with these settings. */
async function sendAll(settings: Record<string, string> = {}): Promise<void> {
  const { results } = await env.DB.prepare(
    "SELECT id FROM work WHERE task = 'email' AND state = 'owed' ORDER BY id",
  ).all<{ id: string }>();
  const messages = results.map(({ id }, index) => ({
    id: `m${index}`,
    timestamp: 1,
    attempts: 1,
    body: { id },
  }));
  const batch = createMessageBatch("notifications", messages);
  const execution = createExecutionContext();
  await worker.queue(batch, { ...env, ...settings } as never, execution);
  await getQueueResult(batch, execution);
}

/** Sends the one mail of this kind that is owed for an order. */
async function sendOwed(orderId: string, template: string) {
  const payload = await env.DB.prepare(
    "SELECT payload FROM work WHERE object_id = ?1 AND payload ->> 'template' = ?2",
  )
    .bind(orderId, template)
    .first<string>("payload");
  const task = { id: `wrk_${template}`, objectId: orderId, payload: JSON.parse(payload ?? "{}"), attempt: 1 };
  expect(await sendEmail(testContext(), task)).toEqual({ kind: "done" });
  return (await keptEmails()).find(({ work_id }) => work_id === task.id);
}

const subjects = async () => (await keptEmails()).map(({ subject }) => subject);

describe("which step owes which mail", () => {
  test("placed, shipped in two parts, delivered", async () => {
    const { act } = await staff();
    const { id, productIds } = await givenSold([[9], [9]], [2, 1]);
    expect(await owedFor(id)).toEqual(["order_confirmation"]);
    const items = [{ product_id: productIds[0], quantity: 1 }];
    await act(id, "shipments", { items, carrier: "DHL", tracking: "JD 014" });
    await act(id, "shipments");
    await act(id, "transitions", { to: "delivered" });
    expect(await owedFor(id)).toEqual(["order_confirmation", "order_shipped", "order_shipped"]);
    await sendAll();
    // Mails of one batch are sent at once, in any order.
    const mails = (await keptEmails()).sort((one, two) => one.text.length - two.text.length);
    const { reference } = (await read(`/orders/${id}`, (await signIn("staff")).headers)).body;
    expect(mails.map(({ subject }) => subject)).toEqual([
      `A part of your order ${reference} is on its way`,
      `A part of your order ${reference} is on its way`,
      `Your order ${reference}`,
    ]);
    expect(mails[1]?.text).toBe(
      `Hello Ada,\n\nA part of your order ${reference} has left with DHL.\nIts tracking number is JD 014.\n\n1 x Product 1\n`,
    );
    expect(mails[0]?.text).toContain("has left.\n\n1 x Product 1\n1 x Product 2\n");
  });

  test("a command that is repeated owes one, and one that is refused none", async () => {
    const { act } = await staff();
    const { id } = await givenSold([[9]], [1]);
    const key = { "Idempotency-Key": "key-1" };
    await Promise.all([act(id, "shipments", {}, key), act(id, "shipments", {}, key)]);
    await act(id, "shipments", {}, key);
    await act(id, "shipments");
    await act(id, "cancel");
    expect(await owedFor(id)).toEqual(["order_confirmation", "order_shipped"]);
  });

  test("cancelled, and expired", async () => {
    const { act } = await staff();
    const { id } = await givenSold([[9]], [1]);
    await act(id, "cancel");
    expect(await owedFor(id)).toEqual(["order_confirmation", "order_cancelled"]);
    const { productIds } = await givenShop([[9]]);
    const pending = (await order(basket({ [productIds[0] ?? ""]: 1 }, { payment_method: "card" }))).body;
    expect(await owedFor(pending.id)).toEqual([]);
    testClock.advance(3_600_000);
    await Promise.all([expireUnpaid(testContext()), expireUnpaid(testContext())]);
    expect(await owedFor(pending.id)).toEqual(["order_expired"]);
    await sendAll();
    // The confirmation of an order that is dead by then is not sent.
    expect((await subjects()).map((subject) => subject.replace(/ORD-\w+/, "…")).sort()).toEqual([
      "Your order … has expired",
      "Your order … is cancelled",
    ]);
  });

  test("paid, cancelled and given back", async () => {
    const { act } = await staff();
    const till = await Till.open(5, 5);
    const sold = await till.order();
    await tell(sold, { amount: TOTAL });
    await till.drain();
    expect(await owedFor(sold.id)).toEqual(["order_paid"]);
    const paid = await sendOwed(sold.id, "order_paid");
    expect(paid?.subject).toBe(`Your order ${sold.reference} is paid`);
    expect(paid?.text.split("\n\n").slice(0, 2)).toEqual([
      expect.stringMatching(/^Hello .+,$/),
      `Thank you: we have received your payment for your order ${sold.reference}.\nIt is confirmed, and we are getting it ready.`,
    ]);
    const cancelled = await act(sold.id, "cancel");
    expect(await owedFor(sold.id)).toEqual(["order_paid", "order_cancelled"]);
    const refund = cancelled.body.refund;
    await till.drain();
    expect(await owedFor(sold.id)).toEqual(["order_paid", "order_cancelled", "order_refunded"]);
    expect((await paymentRows(sold.id)).length).toBe(1);
    const given = await sendOwed(sold.id, "order_refunded");
    const { amount, currency } = refund.amount;
    expect(given?.text).toContain(
      `We have given ${amount} ${currency} back to you for your order ${sold.reference}.`,
    );
  });

  const LISTS: [setting: string, owed: string[]][] = [
    ["placed", ["order_confirmation"]],
    ["shipped", ["order_shipped"]],
    ["placed, shipped", ["order_confirmation", "order_shipped"]],
    ["paid,refunded,cancelled", []],
    ["none", []],
  ];
  test.each(LISTS)("ORDER_MAILS=%s", async (ORDER_MAILS, owed) => {
    const { headers } = await signIn("staff");
    const { productIds } = await givenShop([[9]]);
    const body = basket({ [productIds[0] ?? ""]: 1 });
    const placed = await askUnder({ ORDER_MAILS }, "POST", "/orders", body);
    await askUnder({ ORDER_MAILS }, "POST", `/orders/${placed.body.id}/shipments`, {}, headers);
    expect(await owedFor(placed.body.id)).toEqual(owed);
  });

  test("a setting that is wrong is told", () => {
    const faults = (more: Record<string, string>) => {
      const checked = checkSettings({ ENVIRONMENT: "development", JWT_PRIVATE_KEY: "x", ...more });
      return checked.kind === "valid" ? [] : checked.faults.map(({ setting }) => setting);
    };
    expect(faults({})).toEqual([]);
    expect(faults({ ORDER_MAILS: "placed,sent" })).toEqual(["ORDER_MAILS"]);
    expect(faults({ ORDER_URL: "shop.example/{order_id}" })).toEqual(["ORDER_URL"]);
    expect(faults({ ORDER_URL: "https://shop.example/orders" })).toEqual(["ORDER_URL"]);
    expect(faults({ ORDER_URL: "https://shop.example/o/{order_id}?t={token}" })).toEqual([]);
  });
});

describe("the link", () => {
  let id: string;
  let other: string;
  let link: string;
  const page = (orderId: string, token: string) =>
    worker.fetch(
      new Request(`http://shop.test/api/v1/orders/${orderId}/page?token=${token}`) as never,
      env as never,
      createExecutionContext(),
    );
  beforeEach(async () => {
    ({ id } = await givenSold([[9]], [1], { customer: { name: "<b>Ada</b>", email: "ada@shop.example" } }));
    ({ id: other } = await givenSold([[9]], [1]));
    await sendAll({ ORDER_URL: "https://shop.example/orders/{order_id}?token={token}" });
    const text = (await keptEmails())[0]?.text ?? "";
    link = /https:\/\/shop\.example\/orders\/\w+\?token=(\S+)/.exec(text)?.[1] ?? "";
    expect(text).toContain(`See your order: https://shop.example/orders/${id}?token=`);
    expect((await keptEmails())[0]?.html).toContain(`href="https://shop.example/orders/${id}?token=${link}"`);
  });

  test("shows its order for 90 days, and changes nothing", async () => {
    const headers = { "X-Order-Token": link };
    for (const path of ["", "/history", "/payments"])
      expect([path, (await read(`/orders/${id}${path}`, headers)).status]).toEqual([path, 200]);
    for (const [path, body] of [
      ["/cancel", {}],
      ["/payments", undefined],
    ] as const)
      expect([path, (await post(`/orders/${id}${path}`, body, headers)).status]).toEqual([path, 404]);
    testClock.advance(90 * DAY - 60_000);
    expect((await read(`/orders/${id}`, headers)).status).toBe(200);
    testClock.advance(120_000);
    expect(refusalOf(await read(`/orders/${id}`, headers))).toEqual([404, "not_found"]);
    expect((await page(id, link)).status).toBe(404);
  });

  test("shows no other order, signs nobody in, and no other token is one", async () => {
    expect((await read(`/orders/${other}`, { "X-Order-Token": link })).status).toBe(404);
    expect((await page(other, link)).status).toBe(404);
    expect(refusalOf(await read("/me", { Authorization: `Bearer ${link}` }))).toEqual([401, "invalid_token"]);
    const context = testContext();
    const keys = await keyRing(context.settings);
    if (keys.kind !== "ready") throw new Error("no keys");
    const claims = { userId: id, role: "admin" as const, sessionId: "ses_1" };
    const access = await signAccessToken(keys.ring, claims, testClock.now());
    const [head = "", , signature = ""] = link.split(".");
    const forged = [head, btoa(JSON.stringify({ sub: id, exp: 9e9, iat: 0 })), signature].join(".");
    for (const token of [access, forged, `${link}x`, "a.b.c", ".", ""])
      expect([token, (await read(`/orders/${id}`, { "X-Order-Token": token })).status]).toEqual([token, 404]);
    expect(
      (await read(`/orders/${id}`, { "X-Order-Token": await signLinkToken(context, keys.ring, id) })).status,
    ).toBe(200);
  });

  test("opens a page that runs nothing, is not kept, found or passed on, and escapes what people wrote", async () => {
    await env.DB.prepare("UPDATE order_items SET title = '<script>alert(1)</script>' WHERE order_id = ?1")
      .bind(id)
      .run();
    const { act } = await staff();
    await act(id, "shipments", { carrier: "<i>DHL</i>", tracking: "JD&014" });
    const answer = await page(id, link);
    const html = await answer.text();
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex, nofollow",
      "x-content-type-options": "nosniff",
      "content-security-policy": expect.stringMatching(/^default-src 'none'; style-src 'sha256-[\w+/]+='; /),
    });
    expect(html).toContain("It is on its way.");
    expect(html).toContain("19.99 USD");
    expect(html).toContain("&lt;i&gt;DHL&lt;/i&gt;, tracking number JD&amp;014");
    expect(html).not.toMatch(/<script|<i>|<b>/);
    const style = /<style>([\s\S]*)<\/style>/.exec(html)?.[1] ?? "";
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
    expect(answer.headers.get("content-security-policy")).toContain(
      btoa(String.fromCharCode(...new Uint8Array(digest))),
    );
    const wrong = await page(id, "wrong");
    expect([wrong.status, wrong.headers.get("content-type")]).toEqual([404, "text/html; charset=utf-8"]);
    expect(await wrong.text()).not.toContain("ORD-");
  });

  test("without ORDER_URL it opens the order's place in the shop at SHOP_URL", async () => {
    await givenSold([[9]], [1]);
    await sendAll({ SHOP_URL: "https://shop.example/", ALLOWED_HOSTS: "api.shop.example" });
    expect((await keptEmails()).at(-1)?.text).toMatch(
      /See your order: https:\/\/shop\.example\/orders\/ord_\w+\?token=\S+\n$/,
    );
  });

  test("without both it opens the API's own page, where its host is known", async () => {
    await givenSold([[9]], [1]);
    await sendAll({ ALLOWED_HOSTS: "api.shop.example, shop.test" });
    expect((await keptEmails()).at(-1)?.text).toMatch(
      /See your order: https:\/\/api\.shop\.example\/api\/v1\/orders\/ord_\w+\/page\?token=\S+\n$/,
    );
  });
});
