import { Webhook } from "standardwebhooks";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import type { Api } from "../../../src/cli/api.ts";
import { runWrangler } from "../../../src/cli/wrangler.ts";
import { placedOrder, placeOrder, stockProducts } from "../../support/http-shop.ts";
import { TEST_WEBHOOK_SECRET } from "../../support/payment-secrets.ts";
import { adminApi, freshState, removeState, type Server, startServer } from "../../support/server.ts";

/**
 * `kill -9` of everything with hundreds of queue messages in flight, which the local broker forgets, and `npm start`
 * again on the same state: the rows of work are the truth, so all that was owed happens, and happens once.
 */
const ORDERS = 700;
/** By card: paid by a webhook each, all of them told just before the end. */
const CARDS = 100;
const BUYERS = 20;
const PRODUCTS = 10;
/** Rows whose message is under way when the server dies, at least. */
const IN_FLIGHT = 500;
/** What could have been under way: the lanes of a few calls of the consumer. */
const MOST_AT_ONCE = 50;
const OUTAGE = `
  UPDATE work SET state = 'dead', attempts = 8, error = 'not sent', finished_at = created_at WHERE task = 'email';
  DELETE FROM emails`;
/** A lease of a minute, the sweep after it, and the mails themselves. */
const BOUND = 240_000;

const stateDir = freshState();
let server: Server | undefined;

afterAll(async () => {
  await server?.stop();
  removeState(stateDir);
}, 30_000);

test("a server killed with 500 messages in flight sends every mail, and every payment has its effect", {
  timeout: 600_000,
}, async () => {
  const first = await start();
  const ids = await stockProducts(
    await adminApi(first),
    "FLIGHT",
    new Array(PRODUCTS).fill((ORDERS + CARDS) / PRODUCTS),
  );
  const invoices = await placeOrders(first.url, ids, ORDERS, "invoice");
  const cards = await placeOrders(first.url, ids, CARDS, "card");
  expect(new Set([...invoices, ...cards]).size).toBe(ORDERS + CARDS);
  await first.stop();

  // A long outage of the mail service, as it would stand in the database.
  await runWrangler(
    ["d1", "execute", "holdfast", "--local", "--persist-to", stateDir, "--yes", `--command=${OUTAGE}`],
    stateDir,
  );

  const second = await start();
  const api = await adminApi(second);
  expect(await countOf(api, "/dead-letters?task=email")).toBe(ORDERS);
  expect(await api.post("/dead-letters/retry", undefined, z.unknown())).toEqual({ retried: ORDERS });
  const told = await Promise.all(cards.map((reference) => tellPaid(second.url, reference)));
  const left = await countOf(api, "/tasks?state=owed");
  await second.kill();
  expect(told).toEqual(Array(CARDS).fill(200));
  expect(left).toBeGreaterThanOrEqual(IN_FLIGHT);

  const third = await start();
  const after = await adminApi(third);
  await expect.poll(() => countOf(after, "/tasks?state=owed"), { timeout: BOUND, interval: 1_000 }).toBe(0);
  const tasks = (await after.list("/tasks", taskRow)).filter(({ task }) => task === "email");
  expect(tasks).toHaveLength(ORDERS + CARDS);
  expect(tasks.filter(({ state }) => state !== "done")).toEqual([]);
  const texts = (await after.list("/emails", emailRow)).map(({ text }) => text);
  const mailsOf = [...invoices, ...cards].map(
    (reference) => texts.filter((text) => text.includes(reference)).length,
  );
  expect(mailsOf.filter((count) => count < 1 || count > 2)).toEqual([]);
  // Twice only where a sender died between sending and its mark: its row was begun twice.
  const sentTwice = mailsOf.filter((count) => count === 2).length;
  expect(sentTwice).toBeLessThanOrEqual(tasks.filter(({ attempts }) => attempts > 1).length);
  expect(sentTwice).toBeLessThanOrEqual(MOST_AT_ONCE);

  const paid = await Promise.all(cards.map((reference) => after.get(`/orders/${reference}`, paidOrder)));
  expect(new Set(paid.map(({ status, payment_status }) => `${status} ${payment_status}`))).toEqual(
    new Set(["confirmed paid"]),
  );
  expect(paid.flatMap(({ payments }) => payments.map(({ captured }) => captured.amount))).toEqual(
    Array(CARDS).fill("5.00"),
  );
});

/** What the provider is answered when it tells that an order was paid. */
async function tellPaid(url: string, reference: string): Promise<number> {
  const now = new Date();
  const body = JSON.stringify({ event_id: reference, reference, status: "success", amount: 500 });
  const answer = await fetch(`${url}/api/v1/webhooks/payments/standard`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": reference,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
      "webhook-signature": new Webhook(TEST_WEBHOOK_SECRET).sign(reference, now, body),
    },
    body,
  });
  await answer.text();
  return answer.status;
}

async function start(): Promise<Server> {
  server = await startServer({
    stateDir,
    env: { FULFILMENT: "manual", PAYMENT_WEBHOOK_SECRET: TEST_WEBHOOK_SECRET },
    options: ["--no-seed"],
  });
  return server;
}

/** Every buyer orders one thing after the other, until there are enough. The references of the orders. */
async function placeOrders(
  url: string,
  ids: string[],
  orders: number,
  method: "invoice" | "card",
): Promise<string[]> {
  const references: string[] = [];
  const turns = Array.from({ length: orders }, (_, turn) => turn).values();
  const buy = async () => {
    for (const turn of turns) {
      const items = [{ product_id: ids[turn % ids.length] ?? "", quantity: 1 }];
      const key = `in-flight-${method}-${turn}-000000000`;
      references.push(placedOrder(await placeOrder(url, items, key, method)).reference);
    }
  };
  await Promise.all(Array.from({ length: BUYERS }, buy));
  return references;
}

const taskRow = z.object({ task: z.string(), state: z.string(), attempts: z.number() });
const emailRow = z.object({ text: z.string() });
const paidOrder = z.object({
  status: z.string(),
  payment_status: z.string(),
  payments: z.array(z.object({ captured: z.object({ amount: z.string() }) })),
});
const countSchema = z.object({ count: z.number() });

const countOf = async (api: Api, path: string): Promise<number> =>
  (await api.get(`${path}${path.includes("?") ? "&" : "?"}page_size=1`, countSchema)).count;
