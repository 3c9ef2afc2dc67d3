import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import type { Api } from "../../../src/cli/api.ts";
import {
  type Answer,
  exactInventory,
  type Line,
  placedOrder,
  placeOrder,
  stockProducts,
  unitsOf,
} from "../../support/http-shop.ts";
import { adminApi, freshState, removeState, type Server, startServer } from "../../support/server.ts";

/**
 * `kill -9` of everything in the middle of a load of orders, and `npm start` again on the same state: what buyers
 * were promised stands, and no unit is sold twice, lost, or stuck.
 */
const PRODUCTS = 12;
const UNITS = 40;
const BUYERS = 20;
/** Enough for the load to be well under way, and far from over, when the end comes. */
const ANSWERS_BEFORE_THE_END = 60;
const TWO_MINUTES = 120_000;

const settings = { HOLD_SECONDS: "5", FULFILMENT: "manual" };
const stateDir = freshState();
let server: Server | undefined;

afterAll(async () => {
  await server?.stop();
  removeState(stateDir);
}, 30_000);

/** One buyer's one order, and what came of it: null while nothing was heard. */
interface Attempt {
  key: string;
  items: Line[];
  answer: Answer | null;
}

test("a killed server forgets no order and no unit", { timeout: 400_000 }, async () => {
  const first = await startServer({ stateDir, env: settings, options: ["--no-seed"] });
  const ids = await stockProducts(await adminApi(first), "RESTART", new Array(PRODUCTS).fill(UNITS));

  const attempts = await loadUntilKilled(first, ids);
  const answered = attempts.filter((attempt) => attempt.answer !== null);
  const unanswered = attempts.filter((attempt) => attempt.answer === null);
  expect(answered.length).toBeGreaterThanOrEqual(ANSWERS_BEFORE_THE_END);
  expect(unanswered.length).toBeGreaterThan(0);

  const second = await startServer({ stateDir, env: settings, options: ["--no-seed"] });
  server = second;
  const began = Date.now();
  const api = await adminApi(second);

  // Every order that was answered 201 is there, for the token that its buyer was given.
  for (const attempt of answered.filter(({ answer }) => answer?.status === 201)) {
    await expectReadable(second.url, attempt);
  }

  // Of those who heard nothing, half ask again under the same key, twice at once: one order each, or a refusal.
  // Nobody ever comes back for the other half: what they held must resolve by itself.
  const gone = unanswered.filter((_, index) => index % 2 === 0);
  for (const attempt of unanswered.filter((one) => !gone.includes(one))) {
    const [answer, twin] = await Promise.all([
      placeOrder(second.url, attempt.items, attempt.key),
      placeOrder(second.url, attempt.items, attempt.key),
    ]);
    expect([201, 409]).toContain(answer.status);
    expect(twin).toEqual(answer);
    attempt.answer = answer;
  }

  const promised = attempts.flatMap(({ answer }) => (answer?.status === 201 ? [placedOrder(answer).id] : []));
  const living = await livingOrders(api);
  const livingIds = living.map((order) => order.id);
  expect(promised.filter((id) => !livingIds.includes(id))).toEqual([]);
  expect(livingIds.length).toBeLessThanOrEqual(promised.length + gone.length);

  await untilEveryHoldIsResolved(api, ids, new Set(livingIds));
  expect(Date.now() - began).toBeLessThan(TWO_MINUTES);
  const sold = unitsOf(living);
  for (const id of ids) {
    const reserved = sold.get(id) ?? 0;
    expect(await exactInventory(api, id)).toMatchObject({
      on_hand: UNITS,
      reserved,
      available: UNITS - reserved,
    });
  }

  await untilEveryMailIsSent(
    api,
    living.map((order) => order.reference),
  );
});

/** Buyers order as fast as they can, and the server dies under them. */
async function loadUntilKilled(victim: Server, ids: string[]): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let answers = 0;
  let dead = false;
  const buy = async (buyer: number) => {
    for (let turn = 0; !dead; turn += 1) {
      const items = [0, 1].map((step) => ({
        product_id: ids[(buyer + turn * 5 + step * 3) % ids.length] ?? "",
        quantity: 1 + ((buyer + turn) % 2),
      }));
      const attempt: Attempt = { key: `restart-${buyer}-${turn}-0000000`, items, answer: null };
      attempts.push(attempt);
      try {
        attempt.answer = await placeOrder(victim.url, items, attempt.key);
        answers += 1;
      } catch {
        return; // the connection died with the server
      }
    }
  };
  const buyers = Promise.all(Array.from({ length: BUYERS }, (_, buyer) => buy(buyer)));
  while (answers < ANSWERS_BEFORE_THE_END) await pause(5);
  await victim.kill();
  dead = true;
  await buyers;
  // A refusal that was heard is as final as a sale; anything else would be a fault of the server.
  for (const { answer } of attempts) expect([undefined, 201, 409]).toContain(answer?.status);
  return attempts;
}

async function expectReadable(url: string, attempt: Attempt): Promise<void> {
  if (attempt.answer === null) throw new Error("nothing was promised");
  const order = placedOrder(attempt.answer);
  const read = await fetch(`${url}/api/v1/orders/${order.reference}`, {
    headers: { "x-order-token": order.access_token },
  });
  expect(read.status).toBe(200);
  expect(await read.json()).toMatchObject({ id: order.id, items: order.items });
}

const orderRow = z.object({
  id: z.string(),
  reference: z.string(),
  status: z.string(),
  items: z.array(z.object({ product_id: z.string(), quantity: z.number() })),
});

async function livingOrders(api: Api) {
  const dead = new Set(["rejected", "cancelled", "expired"]);
  return (await api.list("/orders", orderRow)).filter((order) => !dead.has(order.status));
}

/** Each open hold is known to be a living order's; what no order stands behind is gone. */
async function untilEveryHoldIsResolved(api: Api, ids: string[], living: Set<string>): Promise<void> {
  await expect
    .poll(
      async () => {
        const pages = await Promise.all(ids.map((id) => exactInventory(api, id)));
        return pages
          .flatMap((page) => page.holds)
          .filter((hold) => !hold.confirmed || !living.has(hold.order_id));
      },
      { timeout: TWO_MINUTES, interval: 500 },
    )
    .toEqual([]);
}

const emailRow = z.object({ subject: z.string(), text: z.string() });

/** One mail for each order. A sender that died between sending and its mark may send again, once. */
async function untilEveryMailIsSent(api: Api, references: string[]): Promise<void> {
  const mailsFor = async () => {
    const mails = await api.list("/emails", emailRow);
    return references.map(
      (reference) => mails.filter((mail) => `${mail.subject}\n${mail.text}`.includes(reference)).length,
    );
  };
  await expect
    .poll(async () => (await mailsFor()).every((count) => count >= 1), {
      timeout: TWO_MINUTES,
      interval: 500,
    })
    .toBe(true);
  expect(Math.max(...(await mailsFor()))).toBeLessThanOrEqual(2);
}
