import { setTimeout as pause } from "node:timers/promises";
import { runMain } from "citty";
import { SingleBar } from "cli-progress";
import { z } from "zod";
import { connect, shopOptions, shopUrl } from "./admin-api.ts";
import type { Api } from "./api.ts";
import { commandOf } from "./command.ts";
import { ensureCategories, ensureStores, PRODUCTS_PER_CALL, writeProducts } from "./fill-catalogue.ts";
import { devVarsPath, mergeSettings, readDevVars } from "./local-settings.ts";
import { planSeed, type SeedPlan, type SeedSize } from "./seed-data.ts";

/** How long the projection may take to have all levels. */
const PROJECTION_TIMEOUT_MS = 60_000;

interface SeedOptions extends SeedSize {
  url: string;
  token: string | undefined;
}

async function seed(options: SeedOptions): Promise<void> {
  const began = performance.now();
  const settings = mergeSettings(readDevVars(devVarsPath()), process.env);
  const api = await connect(options);
  const plan = planSeed(options, settings.CURRENCY ?? "USD");

  const before = await versionsBySku(api);
  await fill(api, plan);
  const levels = await waitForProjection(api, plan);
  const { created, updated, unchanged } = compare(plan, before, await versionsBySku(api));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `${plan.products.length} products: ${created} created, ${updated} updated, ${unchanged} unchanged; ` +
      `${plan.stores.length} stores, ${plan.categories.length} categories; ${levels} inventory rows; ${seconds} s`,
  );
}

const productRow = z.object({ sku: z.string(), version: z.number() });

async function versionsBySku(api: Api): Promise<Map<string, number>> {
  return new Map((await api.list("/products", productRow)).map(({ sku, version }) => [sku, version]));
}

/** Counts how many products were created, updated and left unchanged, by their versions. */
function compare({ products }: SeedPlan, before: Map<string, number>, after: Map<string, number>) {
  const created = products.filter(({ sku }) => !before.has(sku)).length;
  const unchanged = products.filter(
    ({ sku }) => before.has(sku) && before.get(sku) === after.get(sku),
  ).length;
  return { created, unchanged, updated: products.length - created - unchanged };
}

async function fill(api: Api, { categories, stores, products }: SeedPlan): Promise<void> {
  const categoryIds = await ensureCategories(api, categories);
  const storeIds = await ensureStores(api, stores);
  const progress = showProgress(products.length);
  for (let start = 0; start < products.length; start += PRODUCTS_PER_CALL) {
    const chunk = products.slice(start, start + PRODUCTS_PER_CALL);
    await writeProducts(api, chunk, categoryIds, storeIds);
    progress.advance(start + chunk.length);
  }
  progress.end();
}

/** A progress bar in a terminal, plain lines elsewhere. */
function showProgress(total: number) {
  if (!process.stdout.isTTY) {
    return { advance: (done: number) => console.log(`${done} of ${total} products`), end: () => undefined };
  }
  const bar = new SingleBar({ format: "{bar} {value} of {total} products, {eta} s left" });
  bar.start(total, 0);
  return { advance: (done: number) => bar.update(done), end: () => bar.stop() };
}

const inventoryPage = z.object({ count: z.number().nullable() });

/** Waits until the lists have every level of the plan. @returns how many levels they have */
async function waitForProjection(api: Api, { products }: SeedPlan): Promise<string> {
  const wanted = products.reduce((sum, product) => sum + product.stock.length, 0);
  const deadline = Date.now() + PROJECTION_TIMEOUT_MS;
  for (;;) {
    const { count } = await api.get("/inventory?page_size=1", inventoryPage);
    if (count === null) return "more than 10000";
    if (count >= wanted) return String(count);
    if (Date.now() > deadline) throw new Error(`The inventory lists know ${count} of ${wanted} levels.`);
    await pause(250);
  }
}

const positive = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number from 1.`);
  return value;
};

const options = {
  products: { type: "string", default: "1200", description: "How many products" },
  stores: { type: "string", default: "25", description: "How many stores" },
  categories: { type: "string", default: "15", description: "How many categories" },
  ...shopOptions,
} as const;

await runMain(
  commandOf(
    "npm run seed --",
    "Fills a shop through its API; the same command again changes nothing",
    options,
    (args) =>
      seed({
        products: positive("products", args.products),
        stores: positive("stores", args.stores),
        categories: positive("categories", args.categories),
        url: shopUrl(args.url),
        token: args.token,
      }),
  ),
);
