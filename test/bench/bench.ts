import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineCommand, runMain } from "citty";
import { compareStart, compareWith } from "./against.ts";
import type { Counted, CountedStatement } from "./counted-worker.ts";
import { growCatalogue, growOrders } from "./grow.ts";
import { type Ask, CONNECTIONS, load, type Measured } from "./load.ts";
import { type Operation, operations } from "./operations.ts";
import { ENTRIES_OF_A_HOLD, type Plan, tablesOf } from "./plan.ts";
import { adminOf, type Filled, fill, migrate, type Running, startFloor, startShop } from "./shop.ts";

const SHOP = { products: 1_200, stores: 25, categories: 15 };
const ORDERS = 1_000;
const LARGE = { products: 120_000, orders: 300_000 };
const WARM_UP_SECONDS = 1;
const ROUNDS = 3;
/** Where a system has it, the state of both is kept there: it is not this machine's disk that is measured. */
const MEMORY = "/dev/shm";

interface Row extends Counted {
  operation: Operation;
  ours: Measured;
  floor: Measured;
}

async function bench(seconds: number, scale: boolean, only: string | undefined): Promise<void> {
  const shop = await startShop();
  const floor = await startFloor().catch(async (error: unknown) => {
    await shop.stop();
    throw error;
  });
  try {
    const db = await shop.db();
    await migrate(db);
    const { api, token } = await adminOf(shop);
    const filled = await fill(api, SHOP);
    await growOrders(db, 0, ORDERS);
    await mirror(db, await floor.db());
    console.log(
      `${availableParallelism()} cores, ${SHOP.products} products, ${SHOP.stores} stores, ${CONNECTIONS} connections, ${ROUNDS} runs of ${seconds} s, by turns with the floor's\n`,
    );
    const wanted = operations(filled, token).filter(({ name }) => only === undefined || name.includes(only));
    const rows: Row[] = [];
    for (const operation of wanted) {
      const row = await measure(shop, floor, operation, seconds);
      rows.push(row);
      print(row, rows.length === 1);
    }
    if (scale) await compareScales(shop, filled, token, rows, seconds);
  } finally {
    await shop.stop();
    await floor.stop();
  }
}

/** Ours and its floor by turns: what slows the machine down for a while slows both. Of each the middle one of its runs. */
async function measure(shop: Running, floor: Running, operation: Operation, seconds: number): Promise<Row> {
  await load(shop.url, operation.next, WARM_UP_SECONDS);
  const counted = await count(shop, operation.next(1));
  const puts = putsOf(operation, counted);
  await makeTables(await floor.db(), puts);
  await setFloor(floor, planOf(operation, counted, puts, await answerOf(shop, operation.next(1))));
  await load(floor.url, FLOOR_ASK, WARM_UP_SECONDS);
  const ours: Measured[] = [];
  const floors: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await load(shop.url, operation.next, seconds));
    floors.push(await load(floor.url, FLOOR_ASK, seconds));
  }
  return { ...counted, operation, ours: middle(ours), floor: middle(floors) };
}

const FLOOR_ASK = (): Ask => ({ method: "GET", path: "/" });

const middle = (runs: Measured[]): Measured => {
  const one = runs.toSorted((a, b) => a.rate - b.rate)[Math.floor(runs.length / 2)];
  if (!one) throw new Error("nothing was measured");
  return { ...one, failures: runs.reduce((sum, { failures }) => sum + failures, 0) };
};

async function count(shop: Running, { path, method, headers, body }: Ask): Promise<Counted> {
  const request = {
    method,
    headers: { ...headers, "bench-io": "1" },
    ...(body === undefined ? {} : { body }),
  };
  const answer = await fetch(shop.url + path, request);
  return (await answer.json()) as Counted;
}

async function answerOf(shop: Running, { path, method, headers, body }: Ask): Promise<string> {
  const request = { method, ...(headers ? { headers } : {}), ...(body === undefined ? {} : { body }) };
  return (await fetch(shop.url + path, request)).text();
}

const READS = /^\s*(?:WITH|SELECT)\b/i;

/** The same calls: what read is sent as it was; what wrote writes as many entries in as many statements. */
function planOf({ objects }: Operation, { statements }: Counted, puts: Put[], answer: string): Plan {
  const { each, of, holds } = objects;
  const tables = Array.from({ length: holds }, () => [...ENTRIES_OF_A_HOLD.keys()]).flat();
  return {
    answer,
    reads: statements.filter((call) => !isWriting(call)),
    objects: { each, of, tables },
    writes: puts.map(({ rows }) => rows),
  };
}

const isWriting = (call: CountedStatement[]): boolean => call.some(({ sql }) => !READS.test(sql));

/** What a statement of the floor writes: rows, and to how many entries each of them comes. */
interface Put {
  entries: number;
  /** A JSON array of texts. */
  rows: string;
}

/** For each statement that wrote, or stood beside one, one row for what the request is worth: as many characters as it had. */
function putsOf({ worth }: Operation, { statements }: Counted): Put[] {
  return statements.filter(isWriting).flatMap((call) =>
    call.map(({ parameters, written }) => {
      const entries = Math.max(1, Math.round(written / worth));
      const rows = Math.round(written / entries);
      const text = "x".repeat(Math.ceil(JSON.stringify(parameters).length / (rows || 1)));
      return { entries, rows: JSON.stringify(Array.from({ length: rows }, () => text)) };
    }),
  );
}

async function setFloor(floor: Running, plan: Plan): Promise<void> {
  const answer = await fetch(floor.url, { method: "PUT", body: JSON.stringify(plan) });
  if (!answer.ok) throw new Error(`the floor fails: ${await answer.text()}`);
}

/** Table 0 is also what the floor's consumer writes to, when no request does. */
async function makeTables(db: D1Database, puts: Put[]): Promise<void> {
  const { results } = await db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'floor_%'")
    .all<{ name: string }>();
  const drops = results.map(({ name }) => `DROP TABLE ${name}`);
  const entries = puts.length === 0 ? [1] : puts.map((put) => put.entries);
  await db.batch([...drops, ...tablesOf("floor", entries)].map((sql) => db.prepare(sql)));
}

/** The floor reads what we read: the same rows under the same indexes. */
async function mirror(from: D1Database, to: D1Database): Promise<void> {
  await migrate(to);
  for (const table of ["categories", "stores", "products", "stock_levels", "users", "sessions"]) {
    const { results } = await from.prepare(`SELECT * FROM ${table}`).all();
    const columns = Object.keys(results[0] ?? {});
    for (let start = 0; start < results.length; start += 500) {
      const rows = JSON.stringify(results.slice(start, start + 500));
      const values = columns.map((column) => `value ->> '${column}'`).join();
      await to
        .prepare(`INSERT INTO ${table} (${columns.join()}) SELECT ${values} FROM json_each(?)`)
        .bind(rows)
        .run();
    }
  }
}

function print({ operation, ours, floor, calls, rowsRead, rowsWritten }: Row, first: boolean): void {
  const { name, worth } = operation;
  const cells = [
    name.padEnd(28),
    (ours.rate * worth).toFixed(0).padStart(8),
    ours.p50.toFixed(1).padStart(7),
    ours.p99.toFixed(1).padStart(7),
    (floor.rate * worth).toFixed(0).padStart(8),
    floor.p99.toFixed(1).padStart(7),
    (ours.rate / floor.rate).toFixed(2).padStart(6),
    String(rowsRead).padStart(7),
    String(rowsWritten).padStart(8),
    ` ${Object.entries(calls)
      .map(([call, times]) => (times === 1 ? call : `${times} ${call}`))
      .join(", ")}`,
  ];
  if (first) {
    console.log(
      `${"".padEnd(28)} ${"a second".padStart(8)} ${"p50 ms".padStart(7)} ${"p99 ms".padStart(7)} ${"floor".padStart(8)} ${"its p99".padStart(7)} ${"ratio".padStart(6)} ${"read".padStart(7)} ${"written".padStart(8)}  calls before the answer`,
    );
  }
  console.log(cells.join(" "));
  const failures = ours.failures + floor.failures;
  if (failures > 0) {
    console.log(`  ${failures} answers were no success: the figures above do not count`);
    process.exitCode = 1;
  }
}

/** The same again in a shop a hundred times as large: what is stored must not tell. */
async function compareScales(shop: Running, filled: Filled, token: string, small: Row[], seconds: number) {
  const db = await shop.db();
  await growCatalogue(db, LARGE.products - SHOP.products);
  await growOrders(db, ORDERS, LARGE.orders);
  console.log(`\n${LARGE.products} products and ${LARGE.orders} orders\n`);
  for (const operation of operations(filled, token)) {
    const before = small.find((row) => row.operation.name === operation.name);
    if (!before) continue;
    await load(shop.url, operation.next, WARM_UP_SECONDS);
    const counted = await count(shop, operation.next(1));
    const large = await load(shop.url, operation.next, seconds);
    console.log(
      `${operation.name.padEnd(28)} p50 ${before.ours.p50.toFixed(1)} → ${large.p50.toFixed(1)} ms, ratio ${(large.p50 / before.ours.p50).toFixed(2)}; ` +
        `p99 ${large.p99.toFixed(1)} ms; rows read ${before.rowsRead} → ${counted.rowsRead}`,
    );
  }
}

const command = defineCommand({
  meta: { name: "npm run bench --", description: "Measures the API, each operation beside its floor" },
  args: {
    seconds: {
      type: "string",
      default: "3",
      description: `How long each of the ${ROUNDS} runs of a measurement takes`,
    },
    scale: {
      type: "boolean",
      default: false,
      description: "Also in a shop of 120,000 products and 300,000 orders",
    },
    only: { type: "string", description: "Only operations whose name has this in it" },
    against: {
      type: "string",
      description: "Another checkout, to be compared by turns; its packages are installed",
    },
    start: {
      type: "boolean",
      default: false,
      description: "What `npm start` serves, by turns with this bench's shop",
    },
    rounds: {
      type: "string",
      default: "7",
      description: "With --against and --start: rounds of each operation",
    },
    connections: {
      type: "string",
      default: `${CONNECTIONS}`,
      description: "With --against and --start: over how many, such as 1,32,128",
    },
  },
  run: ({ args: { scale, against, start, only, ...given } }) => {
    if (existsSync(MEMORY)) process.env.TMPDIR = MEMORY;
    const connections = given.connections.split(",").map(Number);
    const limits = { seconds: Number(given.seconds), rounds: Number(given.rounds), connections, only };
    if (start) return compareStart(limits);
    return against === undefined ? bench(limits.seconds, scale, only) : compareWith(against, limits);
  },
});

await runMain(command);
