import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createApi } from "../../src/cli/api.ts";
import { stockProducts } from "../support/http-shop.ts";
import { removeState, startServer } from "../support/server.ts";
import { growOrders } from "./grow.ts";
import { load, type Measured } from "./load.ts";
import { type Operation, operations, refusedOrder } from "./operations.ts";
import { adminOf, fill, migrate, settle, startWholeShop } from "./shop.ts";

/** What is taken of a checkout: its own bench makes its shop, and knows its own requests. */
interface Checkout {
  shop: typeof import("./shop.ts");
  operations: typeof import("./operations.ts");
}

interface Limits {
  seconds: number;
  rounds: number;
  /** Each operation is measured with each of these. */
  connections: number[];
  only: string | undefined;
}

const SHOP = { products: 1_200, stores: 25, categories: 15 };
const ORDERS = 1_000;
const WARM_UP_SECONDS = 2;

/**
 * Compares this checkout with another one, such as the commit before: both run at the same time, and each operation is
 * sent to one and the other by turns, so that what slows the machine down for a while slows both.
 * @param directory of the other checkout, with its packages installed
 * @param rounds of each operation; the ratio is the median of the rounds' ratios
 */
export async function compareWith(directory: string, limits: Limits): Promise<void> {
  const ours = await prepare(resolve("."));
  const others = await prepare(resolve(directory));
  await compareAll(ours, others, limits);
}

/** Compares `npm start` with a shop of this bench that works off the same queues: what is between a client and workerd. */
export async function compareStart(limits: Limits): Promise<void> {
  const env = { SUGGESTIONS_PER_MINUTE: "0", FULFILMENT: "manual" };
  const server = await startServer({ options: ["--no-seed"], env });
  const stop = async () => {
    await server.stop();
    removeState(server.stateDir);
  };
  const shop = await startWholeShop();
  await migrate(await shop.db());
  const ours = await fillWith({ url: server.url, stop }, await server.adminToken());
  await compareAll(ours, await fillWith(shop, (await adminOf(shop)).token), limits);
}

async function fillWith({ url, stop }: Omit<Prepared, "operations">, token: string): Promise<Prepared> {
  const api = createApi(url, token);
  const filled = await fill(api, SHOP);
  const [scarce = ""] = await stockProducts(api, "SCARCE", [5]);
  const asked = [refusedOrder(scarce), ...operations(filled, token)];
  return { url, stop, operations: asked, settle: () => settle(url) };
}

interface Prepared {
  url: string;
  stop(): Promise<void>;
  operations: Operation[];
  /** Waits for what a run has left to do behind its answers, where that is done at all. */
  settle?: () => Promise<void>;
}

async function compareAll(ours: Prepared, others: Prepared, { only, ...limits }: Limits) {
  try {
    console.log(
      `${limits.rounds} rounds of ${limits.seconds} s each, by turns; of p50 and p99 the middle, ms\n`,
    );
    console.log(
      `${"".padEnd(28)} connections     ours    other  ratio  p50        p99         ratio of each round`,
    );
    for (const operation of ours.operations) {
      if (only !== undefined && !operation.name.includes(only)) continue;
      const other = others.operations.find(({ name }) => name === operation.name);
      for (const connections of other ? limits.connections : [])
        await compare(
          { ...ours, operation },
          { ...others, operation: other ?? operation },
          { ...limits, connections },
        );
    }
  } finally {
    await ours.stop();
    await others.stop();
  }
}

interface Side extends Omit<Prepared, "operations"> {
  operation: Operation;
}

async function prepare(directory: string): Promise<Prepared> {
  if (!existsSync(join(directory, "node_modules"))) throw new Error(`npm ci was not run in ${directory}`);
  const file = (name: string) => join(directory, "test/bench", name);
  const { shop, operations: theirs }: Checkout = {
    shop: await import(file("shop.ts")),
    operations: await import(file("operations.ts")),
  };
  const running = await shop.startShop();
  const db = await running.db();
  await shop.migrate(db);
  const { api, token } = await shop.adminOf(running);
  const filled = await shop.fill(api, SHOP);
  await growOrders(db, 0, ORDERS);
  return { url: running.url, stop: running.stop, operations: theirs.operations(filled, token) };
}

async function compare(
  ours: Side,
  others: Side,
  { seconds, rounds, connections }: { seconds: number; rounds: number; connections: number },
): Promise<void> {
  const measure = async ({ url, operation, settle }: Side, time: number) => {
    const measured = await load(url, operation.next, time, operation.refused ? "4xx" : "2xx", connections);
    await settle?.();
    return measured;
  };
  await measure(ours, WARM_UP_SECONDS);
  await measure(others, WARM_UP_SECONDS);
  const pairs: [Measured, Measured][] = [];
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes, since the second finds what the first has left to do behind its answers.
    const first = round % 2 === 0;
    const one = await measure(first ? ours : others, seconds);
    const two = await measure(first ? others : ours, seconds);
    pairs.push(first ? [one, two] : [two, one]);
  }
  const ratios = pairs.map(([our, other]) => our.rate / other.rate);
  const { name, worth } = ours.operation;
  const rate = (side: 0 | 1) => (median(pairs.map((pair) => pair[side].rate)) * worth).toFixed(0).padStart(8);
  const each = ratios.map((ratio) => ratio.toFixed(2)).join(" ");
  const middle = (what: "p50" | "p99") =>
    ([0, 1] as const).map((side) => median(pairs.map((pair) => pair[side][what])).toFixed(0)).join(" : ");
  const figures = [rate(0), rate(1), median(ratios).toFixed(3).padStart(6), middle("p50").padEnd(10)];
  console.log(
    `${name.padEnd(28)} ${`${connections}`.padStart(11)} ${figures.join(" ")} ${middle("p99").padEnd(11)} ${each}`,
  );
  const failures = pairs.flat().reduce((sum, { failures: more }) => sum + more, 0);
  if (failures === 0) return;
  console.log(`  ${failures} answers were not as expected: the figures above do not count`);
  process.exitCode = 1;
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
