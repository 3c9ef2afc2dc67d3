import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { z } from "zod";
import { type Api, createApi, signIn } from "../../src/cli/api.ts";
import {
  ensureCategories,
  ensureStores,
  PRODUCTS_PER_CALL,
  writeProducts,
} from "../../src/cli/fill-catalogue.ts";
import { applyMigrations } from "../../src/cli/local-database.ts";
import { makeMissingSecrets } from "../../src/cli/local-settings.ts";
import { planSeed, type SeedSize } from "../../src/cli/seed-data.ts";
import { projectRoot, runWrangler } from "../../src/cli/wrangler.ts";

/** The catalogue of every shop that is measured. */
export const SHOP = { products: 1_200, stores: 25, categories: 15 };

/** A workerd of our own, without wrangler's proxy in front. */
export interface Running {
  url: string;
  db(): Promise<D1Database>;
  /** What it stores, bytes: the files of D1, and those of all objects. */
  stored(): { d1: number; objects: number };
  stop(): Promise<void>;
}

/** Bundles a Worker as a deploy would. @returns the directory that holds its script */
async function bundle(entry: string, options: string[] = []): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const main = join(projectRoot, "test/bench", entry);
  await runWrangler(["deploy", main, "--dry-run", "--outdir", directory, ...options], directory);
  return directory;
}

const DATE = "2026-10-01";

/** What wrangler.toml says, as Miniflare wants it. */
const declared = () => unstable_getMiniflareWorkerOptions(join(projectRoot, "wrangler.toml")).workerOptions;

/** How the queue is worked off that keeps the lists up to date. */
const projecting = () => (declared().queueConsumers as Record<string, object>).inventory;

const SETTINGS = { ENVIRONMENT: "development", FULFILMENT: "manual" };

export type Settings = Record<string, string>;

export const NO_LIMITS: Settings = {
  ORDERS_PER_MINUTE: "0",
  REGISTRATIONS_PER_HOUR: "0",
  REQUESTS_PER_MINUTE: "0",
  SIGN_INS_PER_MINUTE: "0",
  SUGGESTIONS_PER_MINUTE: "0",
};

/** Every limit at its default. */
export const AS_SHIPPED: Settings = {};

/**
 * Starts the Worker with all of its bindings. Of the queues only the one is worked off that keeps the lists up to date: a
 * mail for each order is not what a request costs. Without the pages of /docs, for which Miniflare sends each request
 * through two more Workers of its own.
 * @param settings over those of the bench
 * @param worker the file of its Worker
 */
export async function startShop(
  queueConsumers: object = { inventory: projecting() },
  settings = NO_LIMITS,
  worker = "counted-worker.ts",
): Promise<Running> {
  const directory = await bundle(worker);
  const { assets: _pages, ...options } = declared();
  const secrets = await makeMissingSecrets({}, join(directory, "dev.vars"));
  return start(directory, {
    ...options,
    bindings: { ...secrets, ...SETTINGS, ...settings },
    queueConsumers,
  });
}

/** The same, with every queue worked off as in `npm start`: a mail for each order too. */
export const startWholeShop = (settings = NO_LIMITS, worker?: string): Promise<Running> =>
  startShop(declared().queueConsumers as object, settings, worker);

export async function startFloor(): Promise<Running> {
  const config = join(mkdtempSync(join(tmpdir(), "holdfast-bench-")), "wrangler.json");
  writeFileSync(config, JSON.stringify({ name: "floor", compatibility_date: DATE }));
  const directory = await bundle("floor-worker.ts", ["--config", config]);
  rmSync(dirname(config), { recursive: true });
  return start(directory, {
    compatibilityDate: DATE,
    d1Databases: ["DB"],
    durableObjects: {
      FLOOR: { className: "Floor", useSQLite: true },
      DESK: { className: "FloorDesk", useSQLite: true },
    },
    queueProducers: { BELLS: "bells", NEWS: "news" },
    queueConsumers: { news: projecting() },
  });
}

/** Of all files below a directory, those not yet written back to their database included. */
function bytesOf(directory: string): number {
  if (!existsSync(directory)) return 0;
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.reduce((sum, entry) => {
    if (!entry.isFile()) return sum;
    return sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

async function start(directory: string, options: object): Promise<Running> {
  const state = join(directory, "state");
  const [script = ""] = readdirSync(directory).filter((file) => file.endsWith(".js"));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      resourcePersistencePath: state,
      log: undefined,
      // A line for each request would hide the table, and printing it is not the Worker's work.
      handleStructuredLogs: () => {},
      workers: [
        {
          ...options,
          name: "bench",
          modules: [{ type: "ESModule", path: join(directory, script) }],
          modulesRoot: directory,
        },
      ],
    } as never),
  );
  const url = String(await miniflare.ready).replace(/\/$/, "");
  return {
    url,
    db: () => miniflare.getD1Database("DB", "bench") as unknown as Promise<D1Database>,
    stored: () => ({ d1: bytesOf(join(state, "d1")), objects: bytesOf(join(state, "do")) }),
    stop: async () => {
      await miniflare.dispose();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export { applyMigrations as migrate };

export const ADMIN = { email: "admin@shop.example", password: "correct horse battery", name: "Admin" };

/** An admin, straight into a fresh shop. */
export async function adminOf(shop: Running): Promise<{ api: Api; token: string }> {
  const answer = await fetch(`${shop.url}/api/v1/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(ADMIN),
  });
  if (!answer.ok) throw new Error(`no admin: ${answer.status} ${await answer.text()}`);
  await (await shop.db()).prepare("UPDATE users SET role = 'admin'").run();
  const token = await signIn(shop.url, ADMIN.email, ADMIN.password);
  return { api: createApi(shop.url, token), token };
}

export interface Filled {
  products: { id: string; title: string }[];
  storeIds: string[];
}

/** The catalogue of `npm run seed`, through the API, once its levels are in the lists. */
export async function fill(api: Api, size: SeedSize): Promise<Filled> {
  const plan = planSeed(size, "USD");
  // Nothing is to run out while it is measured.
  for (const level of plan.products.flatMap(({ stock }) => stock)) level.quantity = 1_000_000;
  const categories = await ensureCategories(api, plan.categories);
  const stores = await ensureStores(api, plan.stores);
  const products: Filled["products"] = [];
  for (let from = 0; from < plan.products.length; from += PRODUCTS_PER_CALL) {
    const part = plan.products.slice(from, from + PRODUCTS_PER_CALL);
    const ids = await writeProducts(api, part, categories, stores);
    products.push(...ids.map((id, index) => ({ id, title: part[index]?.title ?? "" })));
  }
  const levels = plan.products.reduce((sum, { stock }) => sum + stock.length, 0);
  await until(async () => (await api.get("/inventory?page_size=1", counted)).count === levels);
  return { products, storeIds: [...stores.values()] };
}

const counted = z.object({ count: z.number().nullable() });

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("it does not come to be");
}
