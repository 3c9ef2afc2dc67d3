import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import type { Api } from "../../../src/cli/api.ts";
import { runWrangler } from "../../../src/cli/wrangler.ts";
import { placedOrder, placeOrder, stockProducts } from "../../support/http-shop.ts";
import { adminApi, freshState, removeState, type Server, startServer } from "../../support/server.ts";

/**
 * `kill -9` of everything with hundreds of queue messages in flight, which the local broker forgets, and `npm start`
 * again on the same state: the rows of work are the truth, so all that was owed happens, and happens once.
 */
const ORDERS = 500;
const BUYERS = 20;
const PRODUCTS = 10;
/** Unsent when the server dies, at least. */
const IN_FLIGHT = ORDERS / 2;
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

test("a server killed with hundreds of messages in flight sends every mail", {
  timeout: 600_000,
}, async () => {
  const first = await start();
  const ids = await stockProducts(
    await adminApi(first),
    "FLIGHT",
    new Array(PRODUCTS).fill(ORDERS / PRODUCTS),
  );
  const references = await placeOrders(first.url, ids);
  expect(new Set(references).size).toBe(ORDERS);
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
  await expect.poll(() => countOf(api, "/emails"), { interval: 20, timeout: 30_000 }).toBeGreaterThan(0);
  const sent = await countOf(api, "/emails");
  await second.kill();
  expect(sent).toBeLessThanOrEqual(ORDERS - IN_FLIGHT);

  const third = await start();
  const after = await adminApi(third);
  await expect.poll(() => countOf(after, "/tasks?state=owed"), { timeout: BOUND, interval: 1_000 }).toBe(0);
  const tasks = (await after.list("/tasks", taskRow)).filter(({ task }) => task === "email");
  expect(tasks).toHaveLength(ORDERS);
  expect(tasks.filter(({ state }) => state !== "done")).toEqual([]);
  const texts = (await after.list("/emails", emailRow)).map(({ text }) => text);
  const mailsOf = references.map((reference) => texts.filter((text) => text.includes(reference)).length);
  expect(mailsOf.filter((count) => count < 1 || count > 2)).toEqual([]);
  // Twice only where a sender died between sending and its mark: its row was begun twice.
  const sentTwice = mailsOf.filter((count) => count === 2).length;
  expect(sentTwice).toBeLessThanOrEqual(tasks.filter(({ attempts }) => attempts > 1).length);
  expect(sentTwice).toBeLessThanOrEqual(MOST_AT_ONCE);
});

async function start(): Promise<Server> {
  server = await startServer({ stateDir, env: { FULFILMENT: "manual" }, options: ["--no-seed"] });
  return server;
}

/** Every buyer orders one thing after the other, until there are enough. The references of the orders. */
async function placeOrders(url: string, ids: string[]): Promise<string[]> {
  const references: string[] = [];
  const turns = Array.from({ length: ORDERS }, (_, turn) => turn).values();
  const buy = async () => {
    for (const turn of turns) {
      const items = [{ product_id: ids[turn % ids.length] ?? "", quantity: 1 }];
      references.push(placedOrder(await placeOrder(url, items, `in-flight-${turn}-000000000`)).reference);
    }
  };
  await Promise.all(Array.from({ length: BUYERS }, buy));
  return references;
}

const taskRow = z.object({ task: z.string(), state: z.string(), attempts: z.number() });
const emailRow = z.object({ text: z.string() });
const countSchema = z.object({ count: z.number() });

const countOf = async (api: Api, path: string): Promise<number> =>
  (await api.get(`${path}${path.includes("?") ? "&" : "?"}page_size=1`, countSchema)).count;
