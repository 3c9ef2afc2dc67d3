import { setTimeout as pause } from "node:timers/promises";
import { ADDRESS_HEADER, nextAddress } from "../addresses.ts";
import { growOrders } from "../grow.ts";
import { placeOrders, rest, STEPS, takeCounts, takeStep } from "../life.ts";
import type { Ask } from "../load.ts";
import { draftOf, type Operation, operations } from "../operations.ts";
import { AS_SHIPPED, NO_LIMITS, type Settings } from "../shop.ts";
import { add, type Counts, divided } from "./counts.ts";
import { type PricedShop, startPricedShop } from "./priced-shop.ts";
import { type Life, printLives, printOperations } from "./print.ts";

const ORDERS = 1_000;
/** As many as are on their way at the same time, and what is counted of them is divided by it. */
const CROWD = 100;
const HOT_PRODUCTS = 10;
/** By then a hold has asked for its fate (HOLD_SECONDS, and ten for others), and a limiter has forgotten its buyer. */
const ASKED_MS = 80_000;
/** By then an object that has reported has looked whether its report arrived. */
const LOOKED_MS = 65_000;

/**
 * What each operation, and the whole life of an order of two products, costs by what Cloudflare bills.
 * @param only operations whose name has this in it; or `life`
 */
export async function printCosts(only: string | undefined): Promise<void> {
  const isLife = only === "life";
  if (!isLife)
    await withShop({ ...NO_LIMITS, HOLD_SECONDS: "3600" }, async (shop) => {
      const all = operations(shop.filled, await shop.token());
      const wanted = all.filter(({ name }) => only === undefined || name.includes(only));
      printOperations(CROWD, await costsOf(shop, wanted));
    });
  if (only !== undefined && !isLife) return;
  await withShop(AS_SHIPPED, async (shop) => {
    const { products } = shop.filled;
    const draft = (turn: number, of: number) =>
      draftOf([products[(2 * turn) % of]?.id ?? "", products[(2 * turn + 1) % of]?.id ?? ""]);
    const crowd = (of: number) => Array.from({ length: CROWD }, (_, turn) => draft(turn, of));
    // What is made once in a shop's life, or in a quarter of an hour, is no order's cost.
    await live(shop, [draft(0, products.length)]);
    printLives([
      { name: "one", life: await live(shop, [draft(0, products.length)]) },
      { name: `${CROWD} at once`, life: await live(shop, crowd(2 * CROWD)) },
      { name: `of ${HOT_PRODUCTS} products`, life: await live(shop, crowd(HOT_PRODUCTS)) },
    ]);
  });
}

async function withShop(settings: Settings, work: (shop: PricedShop) => Promise<void>): Promise<void> {
  const shop = await startPricedShop(settings);
  try {
    await growOrders(await shop.db(), 0, ORDERS);
    await pause(LOOKED_MS);
    await work(shop);
  } finally {
    await shop.stop();
  }
}

/** What is counted from when something is begun until nothing is left of it. */
async function counted(shop: PricedShop, of: number, act: () => Promise<unknown>): Promise<Counts> {
  await takeCounts(shop.url);
  const began = shop.cpu();
  await act();
  await rest(shop);
  const counts = await takeCounts(shop.url);
  // Of few orders it would be what the process takes by itself while it is watched.
  if (of >= CROWD) add(counts, "worker_cpu_ms", "of workerd: D1's and the objects' too", shop.cpu() - began);
  return divided(counts, of);
}

/** Takes orders through their lives, all of them a step and then all of them the next. */
async function live(shop: PricedShop, drafts: unknown[]): Promise<Life> {
  const count = drafts.length;
  let ids: string[] = [];
  let placedAt = 0;
  const life: Life = [];
  const phase = async (name: string, act: () => Promise<unknown>) => {
    life.push({ name, counts: await counted(shop, count, act) });
  };
  await phase("placed, mailed, in the lists", async () => {
    ids = await placeOrders(shop.url, drafts, count);
    placedAt = Date.now();
  });
  await phase("its holds ask, the limiter forgets", () => pause(placedAt + ASKED_MS - Date.now()));
  for (const to of STEPS) await phase(to, () => takeStep(shop, ids, to, count));
  return life;
}

/** Each once by itself, and so many at once: dollars for a million. */
async function costsOf(shop: PricedShop, wanted: Operation[]) {
  const send = async ({ path, method, headers, body }: Ask) => {
    const answer = await fetch(shop.url + path, {
      method,
      headers: { ...headers, [ADDRESS_HEADER]: nextAddress() },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  };
  const costs: { name: string; one: Counts; crowd: Counts }[] = [];
  for (const { name, next, worth, objects } of wanted) {
    const many = worth === 1 ? CROWD : 2;
    const asks = Array.from({ length: many }, (_, turn) => next(turn));
    const costing = (of: number, act: () => Promise<unknown>) =>
      counted(shop, of, async () => {
        await act();
        if (objects.each > 0) await pause(LOOKED_MS);
      });
    await costing(1, () => send(next(0)));
    const one = await costing(worth, () => send(next(1)));
    const crowd = await costing(many * worth, () => Promise.all(asks.map(send)));
    costs.push({ name, one, crowd });
  }
  return costs;
}
