import { availableParallelism } from "node:os";
import type { Counted } from "./counted-worker.ts";
import { isGathered, mirror, setFloor } from "./floor.ts";
import { growCatalogue, growOrders, LARGE } from "./grow.ts";
import type { Ask } from "./load.ts";
import { withMemory } from "./memory.ts";
import { type Options, shopOf } from "./modes.ts";
import { type Operation, operations } from "./operations.ts";
import { adminOf, type Filled, fill, migrate, type Running, SHOP, startFloor } from "./shop.ts";
import { complain, type How, memoryText, middle, type Side, sustain, type Window } from "./window.ts";

const ORDERS = 1_000;

interface Row {
  operation: Operation;
  connections: number;
  counted: Counted;
  ours: Window;
  floor: Window;
  /** Where orders are gathered: the floor that gathers, too. */
  together: Window | null;
}

/** Each operation beside a bare worker that makes the same calls, by turns. @param scale again in a shop a hundred times as large */
export async function besideFloor(scale: boolean, options: Options): Promise<void> {
  const shop = await shopOf(options);
  const floor = await withMemory(startFloor).catch(async (error: unknown) => {
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
    const { seconds, rounds, tools } = options;
    console.log(
      `${availableParallelism()} cores, ${SHOP.products} products, ${SHOP.stores} stores, load by ${tools.join(" and ")}, ${rounds} windows of ${seconds} s, by turns with the floor's\n`,
    );
    const wanted = operations(filled, token).filter(options.wants);
    const rows: Row[] = [];
    for (const operation of wanted) {
      await fillCaches(shop.url, operation);
      const counted = await setFloor(floor, shop, operation);
      for (const how of options.hows) {
        const row = await measure(shop, floor, operation, how, rounds);
        rows.push({ ...row, counted });
        print({ ...row, counted }, rows.length === 1);
      }
    }
    if (scale) await compareScales(shop, filled, token, rows, options);
  } finally {
    await shop.stop();
    await floor.stop();
  }
}

/** Enough that what is kept in a cache is kept there. */
const FILLING_ASKS = 20;

/** One request after the other: what is still under way when the next one's calls are counted would be counted as its. */
async function fillCaches(url: string, { next }: Operation): Promise<void> {
  for (let turn = 0; turn < FILLING_ASKS; turn++) {
    const { path, method, headers = {}, body = null } = next(turn);
    await (await fetch(url + path, { method, headers, body })).arrayBuffer();
  }
}

const FLOOR: Omit<Operation, "next"> = {
  name: "floor",
  worth: 1,
  guests: true,
  objects: { each: 0, of: 1, holds: 0, units: 0 },
};
const at = (path: string): Operation => ({ ...FLOOR, next: (): Ask => ({ method: "GET", path }) });

/** Ours and its floors by turns: what slows the machine down for a while slows all. Of each the middle one of its windows. */
async function measure(
  shop: Side,
  floor: Side,
  operation: Operation,
  how: How,
  rounds: number,
): Promise<Omit<Row, "counted">> {
  const ours: Window[] = [];
  const floors: Window[] = [];
  const together: Window[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await sustain(shop, operation, how));
    floors.push(await sustain(floor, at("/"), how));
    if (isGathered(operation)) together.push(await sustain(floor, at("/together"), how));
  }
  return {
    operation,
    connections: how.connections,
    ours: middle(ours),
    floor: middle(floors),
    together: together.length > 0 ? middle(together) : null,
  };
}

const HEAD = [
  ["", 28],
  ["conn", 4],
  ["a second", 8],
  ["p50 ms", 7],
  ["p99 ms", 7],
  ["floor", 7],
  ["its p99", 7],
  ["ratio", 5],
  ["together", 8],
  ["ratio", 5],
  ["read", 5],
  ["written", 7],
  ["memory", 13],
] as const;

function print({ operation, connections, ours, floor, together, counted }: Row, first: boolean): void {
  const { name, worth } = operation;
  const calls = Object.entries(counted.calls).map(([call, times]) =>
    times === 1 ? call : `${times} ${call}`,
  );
  const cells = [
    name,
    connections,
    (ours.rate * worth).toFixed(0),
    ours.p50.toFixed(1),
    ours.p99.toFixed(1),
    (floor.rate * worth).toFixed(0),
    floor.p99.toFixed(1),
    (ours.rate / floor.rate).toFixed(2),
    together ? together.rate.toFixed(0) : "",
    together ? (ours.rate / together.rate).toFixed(2) : "",
    counted.rowsRead,
    counted.rowsWritten,
    memoryText(ours),
  ];
  const line = (texts: unknown[]) =>
    texts
      .map((text, place) => {
        const width = HEAD[place]?.[1] ?? 0;
        return place === 0 ? String(text).padEnd(width) : String(text).padStart(width);
      })
      .join(" ");
  if (first) console.log(`${line(HEAD.map(([title]) => title))}  calls before the answer`);
  console.log(`${line(cells)}  ${calls.join(", ")}`);
  complain([ours, floor, ...(together ? [together] : [])]);
}

/** The same again in a shop a hundred times as large: what is stored must not tell. */
async function compareScales(
  shop: Running & Side,
  filled: Filled,
  token: string,
  small: Row[],
  { hows }: Options,
): Promise<void> {
  const [how] = hows;
  if (!how) return;
  const db = await shop.db();
  await growCatalogue(db, LARGE.products - SHOP.products);
  await growOrders(db, ORDERS, LARGE.orders);
  console.log(`\n${LARGE.products} products and ${LARGE.orders} orders\n`);
  for (const operation of operations(filled, token)) {
    const before = small.find(
      (row) => row.operation.name === operation.name && row.connections === how.connections,
    );
    if (!before) continue;
    await fillCaches(shop.url, operation);
    const large = await sustain(shop, operation, how);
    console.log(
      `${operation.name.padEnd(28)} p50 ${before.ours.p50.toFixed(1)} → ${large.p50.toFixed(1)} ms, ratio ${(large.p50 / before.ours.p50).toFixed(2)}; ` +
        `p99 ${large.p99.toFixed(1)} ms; ${memoryText(large)}`,
    );
    complain([large]);
  }
}
