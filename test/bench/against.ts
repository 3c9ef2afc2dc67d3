import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createApi } from "../../src/cli/api.ts";
import { stockProducts } from "../support/http-shop.ts";
import { removeState, startServer } from "../support/server.ts";
import { backlogByMetrics } from "./backlog.ts";
import { growCatalogue, growOrders, LARGE } from "./grow.ts";
import { withMemory } from "./memory.ts";
import { type Options, type ShopModule, shopOf } from "./modes.ts";
import { type Operation, operations, refusedOrder } from "./operations.ts";
import { adminOf, fill, migrate, type Running, SHOP } from "./shop.ts";
import { backlogText, complain, type How, memoryText, type Side, sustain, type Window } from "./window.ts";

/** What is taken of a checkout: its own bench makes its shop, and knows its own requests. */
interface Checkout {
  shop: ShopModule & Pick<typeof import("./shop.ts"), "migrate" | "adminOf" | "fill">;
  operations: typeof import("./operations.ts");
}

const ORDERS = 1_000;

/**
 * Compares this checkout with another one, such as the commit before: both run at the same time, and each operation is
 * sent to one and the other by turns, so that what slows the machine down for a while slows both.
 * @param directory of the other checkout, with its packages installed
 * @param scale both in a shop a hundred times as large
 */
export async function compareWith(directory: string, options: Options, scale: boolean): Promise<void> {
  const ours = await prepare(resolve("."), options, scale);
  const others = await prepare(resolve(directory), options, scale);
  await compareAll(ours, others, options);
}

/** Compares `npm start` with a shop of this bench that works off the same queues: what is between a client and workerd. */
export async function compareStart(options: Options): Promise<void> {
  const limits: Record<string, string> = options.limits
    ? { ORDERS_PER_MINUTE: "", REQUESTS_PER_MINUTE: "" }
    : { SUGGESTIONS_PER_MINUTE: "0" };
  const server = await withMemory(() =>
    startServer({ options: ["--no-seed"], env: { ...limits, FULFILMENT: "manual" } }),
  );
  const stop = async () => {
    await server.stop();
    removeState(server.stateDir);
  };
  const { url, memory } = server;
  const shop = await shopOf(options);
  await migrate(await shop.db());
  const side = { url, memory, stop, backlog: backlogByMetrics(url) };
  const ours = await fillWith(side, await server.adminToken());
  await compareAll(ours, await fillWith(shop, (await adminOf(shop)).token), options);
}

async function fillWith(side: Side & Pick<Running, "stop">, token: string): Promise<Prepared> {
  const api = createApi(side.url, token);
  const filled = await fill(api, SHOP);
  const [scarce = ""] = await stockProducts(api, "SCARCE", [5]);
  return { ...side, operations: [refusedOrder(scarce), ...operations(filled, token)] };
}

interface Prepared extends Side {
  stop(): Promise<void>;
  operations: Operation[];
}

async function prepare(directory: string, options: Options, scale: boolean): Promise<Prepared> {
  if (!existsSync(join(directory, "node_modules"))) throw new Error(`npm ci was not run in ${directory}`);
  const file = (name: string) => join(directory, "test/bench", name);
  const { shop, operations: theirs }: Checkout = {
    shop: await import(file("shop.ts")),
    operations: await import(file("operations.ts")),
  };
  const running = await shopOf(options, shop);
  const db = await running.db();
  await shop.migrate(db);
  const { api, token } = await shop.adminOf(running);
  const filled = await shop.fill(api, SHOP);
  if (scale) await growCatalogue(db, LARGE.products);
  await growOrders(db, 0, scale ? LARGE.orders : ORDERS);
  return { ...running, operations: theirs.operations(filled, token) };
}

async function compareAll(ours: Prepared, others: Prepared, options: Options): Promise<void> {
  const { rounds, seconds, tools, hows } = options;
  try {
    console.log(
      `${rounds} windows of ${seconds} s each, by turns, load by ${tools.join(" and ")}; of p50 and p99 the middle, ms\n`,
    );
    console.log(
      `${"".padEnd(28)} connections     ours    other  ratio  p50        p99         ratio of each round`,
    );
    for (const operation of ours.operations.filter(options.wants)) {
      const other = others.operations.find(({ name }) => name === operation.name);
      if (!other) continue;
      for (const how of hows) await compare([ours, others], [operation, other], how, rounds);
    }
  } finally {
    await ours.stop();
    await others.stop();
  }
}

async function compare(
  [ours, others]: [Side, Side],
  [operation, other]: [Operation, Operation],
  how: How,
  rounds: number,
): Promise<void> {
  const measureOurs = () => sustain(ours, operation, how);
  // Of the other's only the requests: what an operation is worth is said by this checkout for both.
  const measureOthers = () => sustain(others, { ...operation, next: other.next }, how);
  const pairs: [Window, Window][] = [];
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes, since the second finds what the first has left to do behind its answers.
    const first = round % 2 === 0;
    const one = await (first ? measureOurs : measureOthers)();
    const two = await (first ? measureOthers : measureOurs)();
    pairs.push(first ? [one, two] : [two, one]);
  }
  const { name, worth } = operation;
  const ratios = pairs.map(([our, their]) => our.rate / their.rate);
  const rate = (side: 0 | 1) => (median(pairs.map((pair) => pair[side].rate)) * worth).toFixed(0).padStart(8);
  const each = ratios.map((ratio) => ratio.toFixed(2)).join(" ");
  const both = (what: "p50" | "p99") =>
    ([0, 1] as const).map((side) => median(pairs.map((pair) => pair[side][what])).toFixed(0)).join(" : ");
  const figures = [rate(0), rate(1), median(ratios).toFixed(3).padStart(6), both("p50").padEnd(10)];
  console.log(
    `${name.padEnd(28)} ${`${how.connections}`.padStart(11)} ${figures.join(" ")} ${both("p99").padEnd(11)} ${each}`,
  );
  for (const side of [0, 1] as const) {
    const windows = pairs.map((pair) => pair[side]);
    const left = windows.map(backlogText).filter((text) => text !== "");
    console.log(
      `  ${side === 0 ? "ours " : "other"} ${windows.map(memoryText).join(", ")}${left.length > 0 ? `; left to do: ${left.join("; ")}` : ""}`,
    );
    complain(windows);
  }
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
