import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { Boundary, ENDINGS } from "../chaos/boundary.ts";
import { refusalOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { NEXT_WEBHOOK_SECRET, TEST_WEBHOOK_SECRET } from "../support/payment-secrets.ts";
import {
  eventRows,
  givenCardOrder,
  owedBy,
  silentQueue,
  standardHeaders,
  tell,
  tellStandard,
} from "./tell.ts";

const success = (reference: string, more: Record<string, unknown> = {}) => ({
  event_id: "evt_1",
  reference,
  status: "success",
  amount: 1999,
  ...more,
});

const BAD_SIGNATURE = [401, "bad_signature"];

test("an event is stored, counted, owed and rung for, then answered", async () => {
  const order = await givenCardOrder();
  const queue = silentQueue();

  const answer = await tellStandard(success(order.reference, { currency: "usd" }), {}, queue.binding);

  expect([answer.status, answer.body]).toEqual([200, { received: true }]);
  expect(await eventRows()).toMatchObject([
    {
      provider: "standard",
      event_id: "evt_1",
      order_id: order.id,
      reference: order.reference,
      kind: "succeeded",
      amount: 1999,
      currency: "USD",
      provider_id: null,
      refund_id: null,
      state: "owed",
      outcome: null,
      received_at: testClock.now(),
    },
  ]);
  expect(await owedBy(order.id)).toEqual({
    owed: 1,
    tasks: [{ provider: "standard", event_id: "evt_1" }],
  });
  expect(queue.bells).toBe(1);
});

test("the queue takes the task up", async () => {
  const order = await givenCardOrder();
  await tellStandard(success(order.reference), {}, { PAYMENTS_QUEUE: env.PAYMENTS_QUEUE });
  await expect
    .poll(() => env.DB.prepare("SELECT attempts FROM work WHERE task = 'payment-event'").first("attempts"))
    .toBe(1);
});

test("the same event fifty times at once is one event", async () => {
  const order = await givenCardOrder();
  const queue = silentQueue();

  const answers = await Promise.all(
    Array.from({ length: 50 }, () => tellStandard(success(order.reference), {}, queue.binding)),
  );

  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
  const fresh = answers.filter(({ body }) => body.duplicate === undefined);
  expect(fresh.map(({ body }) => body)).toEqual([{ received: true }]);
  expect(new Set(answers.filter((one) => !fresh.includes(one)).map(({ text }) => text))).toEqual(
    new Set(['{"received":true,"duplicate":true}']),
  );
  expect(await eventRows()).toHaveLength(1);
  expect(await owedBy(order.id)).toMatchObject({ owed: 1, tasks: [{ event_id: "evt_1" }] });
  expect(queue.bells).toBe(1);
});

test("while secrets rotate, the old and the new one tell the same event", async () => {
  const order = await givenCardOrder();
  const both = { PAYMENT_WEBHOOK_SECRET: `${NEXT_WEBHOOK_SECRET}, ${TEST_WEBHOOK_SECRET}` };
  const tellUnder = (secret: string, settings: Record<string, unknown>) =>
    tellStandard(success(order.reference), { secret }, settings);

  expect((await tellUnder(TEST_WEBHOOK_SECRET, both)).body).toEqual({ received: true });
  expect((await tellUnder(NEXT_WEBHOOK_SECRET, both)).body).toEqual({ received: true, duplicate: true });
  expect(await owedBy(order.id)).toMatchObject({ owed: 1 });
  const after = { PAYMENT_WEBHOOK_SECRET: NEXT_WEBHOOK_SECRET };
  expect(refusalOf(await tellUnder(TEST_WEBHOOK_SECRET, after))).toEqual(BAD_SIGNATURE);
});

test("fifty at once under the old secret, and fifty under the new one, are one event", async () => {
  const order = await givenCardOrder();
  const both = { PAYMENT_WEBHOOK_SECRET: `${NEXT_WEBHOOK_SECRET}, ${TEST_WEBHOOK_SECRET}` };
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, turn) =>
      tellStandard(
        success(order.reference),
        { secret: turn % 2 === 0 ? TEST_WEBHOOK_SECRET : NEXT_WEBHOOK_SECRET },
        both,
      ),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
  expect(answers.filter(({ body }) => body.duplicate === undefined)).toHaveLength(1);
  expect(await owedBy(order.id)).toMatchObject({ owed: 1, tasks: [{ event_id: "evt_1" }] });
});

test("a provider may sign with both secrets in one header", async () => {
  const order = await givenCardOrder();
  const body = JSON.stringify(success(order.reference));
  const old = standardHeaders(body);
  const next = standardHeaders(body, { secret: NEXT_WEBHOOK_SECRET });
  const both = { ...old, "webhook-signature": `${next["webhook-signature"]} ${old["webhook-signature"]}` };
  expect((await tell("standard", body, both)).status).toBe(200);
});

test("an unknown reference is received, kept and owed", async () => {
  const answer = await tellStandard(success("ord-nobody"));
  expect([answer.status, answer.body]).toEqual([202, { received: true, matched: false }]);
  expect(await eventRows()).toMatchObject([{ order_id: null, reference: "ord-nobody", state: "owed" }]);
  expect(await owedBy("")).toEqual({ owed: undefined, tasks: [{ provider: "standard", event_id: "evt_1" }] });
  const again = await tellStandard(success("ord-nobody"));
  expect([again.status, again.body]).toEqual([200, { received: true, duplicate: true }]);
});

test("events of one order are counted each, by its reference in any case or its id", async () => {
  const order = await givenCardOrder();
  await tellStandard(success(order.reference, { event_id: "a", status: "failed" }));
  await tellStandard(success(order.reference.toLowerCase(), { event_id: "b" }));
  await tellStandard(success(order.id, { event_id: "c", status: "refunded", refund_id: "rfd_1" }));
  expect(await eventRows()).toMatchObject([
    { event_id: "a", kind: "failed", order_id: order.id },
    { event_id: "b", kind: "succeeded", order_id: order.id, reference: order.reference },
    { event_id: "c", kind: "refunded", refund_id: "rfd_1", reference: order.reference },
  ]);
  expect((await owedBy(order.id)).owed).toBe(3);
});

test("the store's failure is no receipt, and the next telling is the first", async () => {
  const order = await givenCardOrder();
  const DB = new Proxy(env.DB, {
    get: (db, name) => {
      if (name === "batch")
        return async () => Promise.reject(new Error("D1_ERROR: Network connection lost."));
      const value = Reflect.get(db, name);
      return typeof value === "function" ? value.bind(db) : value;
    },
  });
  const broken = await tellStandard(success(order.reference), {}, { DB });
  expect(refusalOf(broken)).toEqual([503, "unavailable"]);
  expect((await tellStandard(success(order.reference))).body).toEqual({ received: true });
});

test("whoever dies while an event is stored, the provider tells it again: one event, counted and owed once", async () => {
  const order = await givenCardOrder();
  for (const ending of ENDINGS) {
    const boundary = new Boundary({ at: 0, ending });
    const event = success(order.reference, { event_id: `evt ${ending}` });
    const first = tellStandard(
      event,
      {},
      boundary.watch({ ...env, ...silentQueue().binding } as never) as never,
    );
    first.catch(() => {});
    await boundary.reached;

    const again = await tellStandard(event);
    const stored = ending === "dies after" || ending === "answer lost";
    expect([ending, again.body]).toEqual([
      ending,
      stored ? { received: true, duplicate: true } : { received: true },
    ]);
    boundary.bury();
    await first.catch(() => {});
  }
  expect(await eventRows()).toHaveLength(ENDINGS.length);
  const { owed, tasks } = await owedBy(order.id);
  expect([owed, tasks.length]).toEqual([ENDINGS.length, ENDINGS.length]);
});

test("a stored event outlives its lost bell", async () => {
  const order = await givenCardOrder();
  const mute = { sendBatch: async () => Promise.reject(new Error("planted")) };
  expect((await tellStandard(success(order.reference), {}, { PAYMENTS_QUEUE: mute })).status).toBe(200);
  expect(await owedBy(order.id)).toMatchObject({ owed: 1, tasks: [{ event_id: "evt_1" }] });
});

test.each([
  ["no headers", () => ({})],
  ["no id", (body: string) => ({ ...standardHeaders(body), "webhook-id": "" })],
  ["no timestamp", (body: string) => ({ ...standardHeaders(body), "webhook-timestamp": "" })],
  ["no signature", (body: string) => ({ ...standardHeaders(body), "webhook-signature": "" })],
  [
    "a timestamp with a tail",
    (body: string) => {
      const headers = standardHeaders(body);
      return { ...headers, "webhook-timestamp": `${headers["webhook-timestamp"]}x` };
    },
  ],
  ["another's secret", (body: string) => standardHeaders(body, { secret: NEXT_WEBHOOK_SECRET })],
  ["another message's id", (body: string) => ({ ...standardHeaders(body), "webhook-id": "msg_2" })],
  [
    "an unknown version",
    (body: string) => {
      const headers = standardHeaders(body);
      return { ...headers, "webhook-signature": headers["webhook-signature"].replace("v1,", "v2,") };
    },
  ],
  [
    "half a signature",
    (body: string) => {
      const headers = standardHeaders(body);
      return { ...headers, "webhook-signature": headers["webhook-signature"].slice(0, 20) };
    },
  ],
  ["301 seconds ago", (body: string) => standardHeaders(body, { at: testClock.now() - 301_000 })],
  ["in 301 seconds", (body: string) => standardHeaders(body, { at: testClock.now() + 301_000 })],
])("a signature with %s is refused and nothing is stored", async (_what, headersOf) => {
  const body = JSON.stringify(success("ORD-0123456789"));
  expect(refusalOf(await tell("standard", body, headersOf(body)))).toEqual(BAD_SIGNATURE);
  expect(await eventRows()).toEqual([]);
});

test("what was caught can be played again for five minutes and no longer", async () => {
  const body = JSON.stringify(success("ORD-0123456789"));
  const headers = standardHeaders(body);
  expect((await tell("standard", body, headers)).status).toBe(202);
  testClock.advance(300_000);
  expect((await tell("standard", body, headers)).body).toEqual({ received: true, duplicate: true });
  testClock.advance(1_000);
  expect(refusalOf(await tell("standard", body, headers))).toEqual(BAD_SIGNATURE);
});

test("a body changed by one byte is refused, wherever it is changed", async () => {
  const body = JSON.stringify(success("ORD-0123456789"));
  const headers = standardHeaders(body);
  for (let index = 0; index < body.length; index += 7) {
    const bytes = Uint8Array.from(new TextEncoder().encode(body));
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    expect(refusalOf(await tell("standard", bytes, headers))).toEqual(BAD_SIGNATURE);
  }
  expect(refusalOf(await tell("standard", `${body} `, headers))).toEqual(BAD_SIGNATURE);
  expect(refusalOf(await tell("standard", `\ufeff${body}`, headers))).toEqual(BAD_SIGNATURE);
});

test.each([
  ["no JSON", "{"],
  ["nothing", ""],
  ["bytes that are no text", new Uint8Array([0x7b, 0xff, 0x7d])],
  ["arrays without end", "[".repeat(10_000)],
])("unsigned rubbish is refused for its signature: %s", async (_what, body) => {
  expect(refusalOf(await tell("standard", body, {}))).toEqual(BAD_SIGNATURE);
  expect(refusalOf(await tell("standard", body, { "content-type": "text/plain" }))).toEqual(BAD_SIGNATURE);
});

test.each<[Record<string, unknown>, string]>([
  [{ event_id: "" }, "event_id"],
  [{ event_id: 5 }, "event_id"],
  [{ event_id: "x".repeat(256) }, "event_id"],
  [{ event_id: "a\u0000b" }, "event_id"],
  [{ reference: undefined }, "reference"],
  [{ status: "paid" }, "status"],
  [{ amount: -1 }, "amount"],
  [{ amount: 19.99 }, "amount"],
  [{ amount: "1999" }, "amount"],
  [{ amount: 2 ** 53 }, "amount"],
  [{ currency: "dollars" }, "currency"],
  [{ refund_id: 7 }, "refund_id"],
  [{ status: "refund_failed" }, "refund_id"],
  [{ status: "refund_failed", refund_id: null }, "refund_id"],
])("a signed body with %j is refused by its field", async (wrong, field) => {
  const answer = await tellStandard(success("ORD-0123456789", wrong));
  expect(refusalOf(answer)).toEqual([422, "invalid_body", field]);
  expect(await eventRows()).toEqual([]);
});

test.each(["{", "", "null", "[]", '"text"', "[".repeat(100_000)])(
  "what is signed and no object is refused: %.20s",
  async (body) => {
    const headers = standardHeaders(body);
    expect(refusalOf(await tell("standard", body, headers)).slice(0, 2)).toEqual([422, "invalid_body"]);
  },
);

test("a huge body is refused before it is hashed", async () => {
  const body = JSON.stringify({ ...success("ORD-0123456789"), padding: "x".repeat(262_144) });
  expect(refusalOf(await tell("standard", body, standardHeaders(body)))).toEqual([413, "body_too_large"]);
});

test("unknown providers are not there, and only POST is", async () => {
  expect(refusalOf(await tell("paypal", "{}", {}))).toEqual([404, "not_found"]);
  expect(refusalOf(await tell("constructor", "{}", {}))).toEqual([404, "not_found"]);
  expect(refusalOf(await tell("standard/", "{}", {}))).toEqual(BAD_SIGNATURE);
});

test("a shop without the provider's secret believes nothing", async () => {
  const body = JSON.stringify(success("ORD-0123456789"));
  const none = { PAYMENT_WEBHOOK_SECRET: "" };
  expect(refusalOf(await tell("standard", body, standardHeaders(body), none))).toEqual(BAD_SIGNATURE);
});

test("an address that tells too much is told when to come back, and is then heard", async () => {
  const settings = { WEBHOOKS_PER_MINUTE: "2" };
  const body = JSON.stringify(success("ORD-0123456789"));
  const headers = standardHeaders(body);
  const forged = { ...headers, "webhook-signature": "v1,forged" };
  expect((await tell("standard", body, forged, settings)).status).toBe(401);
  expect((await tell("standard", body, forged, settings)).status).toBe(401);
  const limited = await tell("standard", body, headers, settings);
  expect(refusalOf(limited)).toEqual([429, "rate_limited"]);
  expect(limited.body.retry_after).toBe(60);
  testClock.advance(60_000);
  const again = standardHeaders(body);
  expect((await tell("standard", body, again, settings)).status).toBe(202);
});

test("no limit of requests and no token stands before a provider", async () => {
  const body = JSON.stringify(success("ORD-0123456789"));
  const settings = { REQUESTS_PER_MINUTE: "1" };
  const headers = { ...standardHeaders(body), authorization: "Bearer of-the-provider" };
  for (const status of [202, 200, 200]) {
    expect((await tell("standard", body, headers, settings)).status).toBe(status);
  }
});
