import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Hold, Level } from "../../src/inventory/stock-types.ts";
import { isLiving, type OrderStatus } from "../../src/orders/lifecycle.ts";
import type { OrderAllocation } from "../../src/orders/order.ts";
import { type Check, lookAt } from "./checks.ts";
import { COUNTS } from "./counts.ts";
import { FIGURES } from "./figures.ts";
import { MAILS } from "./mails.ts";

/** What a product began with, summed over its stores. */
export type Opening = Map<string, number>;

interface Line {
  order_id: string;
  claim_id: string;
  status: OrderStatus;
  /** Each change of the order is one, a return's too. */
  version: number;
  product_id: string;
  allocations: string;
  /** Units that came back and are to be sold again. */
  restocked: number;
}

interface Sums {
  store_id: string;
  on_hand: number;
  reserved: number;
}

/** One look at all three in one turn of the object: what happened between two looks would seem broken. */
function readProduct(productId: string) {
  return runInDurableObject(env.STOCK.get(env.STOCK.idFromName(productId)), async (object, state) => {
    const sums = state.storage.sql.exec(
      `SELECT store_id, SUM(on_hand_after - on_hand_before) AS on_hand,
         SUM(reserved_after - reserved_before) AS reserved FROM movements GROUP BY store_id`,
    );
    const ledger = sums.toArray() as unknown as Sums[];
    const { stores, holds } = await object.inventory();
    return { levels: stores, holds, ledger };
  });
}

const linesOf = (productIds: string[]): D1PreparedStatement =>
  env.DB.prepare(
    `SELECT o.id AS order_id, o.claim_id, o.status, o.version, i.product_id, i.allocations,
       (SELECT COALESCE(SUM(line.value ->> 'quantity'), 0) FROM returns AS r, json_each(r.items) AS line
        WHERE r.order_id = o.id AND line.value ->> 'product_id' = i.product_id AND line.value ->> 'restock')
         AS restocked
     FROM json_each(?1) AS wanted JOIN order_items AS i ON i.product_id = wanted.value
     JOIN orders AS o ON o.id = i.order_id`,
  ).bind(JSON.stringify(productIds));

const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);
const heldIn = (holds: Hold[], storeId: string): number =>
  sum(holds.flatMap((hold) => hold.allocations.filter((a) => a.store_id === storeId).map((a) => a.quantity)));

/**
 * Every invariant of docs/DESIGN.md §2 that is broken now, in words; none is what a test wants. With `calm` also those
 * that hold only when deadlines and sweeps have run.
 */
export async function brokenInvariants(opening: Opening, { calm }: { calm: boolean }): Promise<string[]> {
  const productIds = [...opening.keys()];
  const { results: lines } = await linesOf(productIds).all<Line>();
  const products = await Promise.all(productIds.map(readProduct));
  const checks = [
    UNNAMED_ORDERS,
    CARTS_SPENT_TWICE,
    COUNTS,
    FIGURES,
    MAILS,
    ...(calm ? [UNFINISHED_WORK] : []),
  ];
  const { rows: linesNow, broken } = await lookAt<Line>(linesOf(productIds), checks);
  // D1 and the objects cannot be read at one moment: where orders moved meanwhile, look again.
  if (JSON.stringify(linesNow) !== JSON.stringify(lines)) return brokenInvariants(opening, { calm });
  for (const [index, productId] of productIds.entries()) {
    const { levels, holds, ledger } = products[index] ?? { levels: [], holds: [], ledger: [] };
    for (const level of levels) broken.push(...brokenLevel(level, holds, ledger));
    broken.push(...brokenTotals(productId, opening, levels, lines, calm));
    for (const line of lines.filter((one) => one.product_id === productId)) {
      broken.push(...brokenLine(line, holds, calm));
    }
    if (!calm) continue;
    const named = new Set(lines.filter((line) => isLiving(line.status)).map((line) => line.claim_id));
    for (const hold of holds) {
      if (!named.has(hold.claim)) broken.push(`${hold.claim} holds ${productId} for no living order`);
    }
  }
  return broken;
}

/** A living order names a claim whose fate is `placed`, for it, and has items. */
const UNNAMED_ORDERS: Check = {
  statements: [
    `SELECT o.id, o.status, c.fate FROM orders AS o LEFT JOIN claims AS c ON c.id = o.claim_id
     WHERE o.status NOT IN ('rejected', 'cancelled', 'expired')
       AND (c.fate IS NOT 'placed' OR c.order_id IS NOT o.id
         OR NOT EXISTS (SELECT 1 FROM order_items AS i WHERE i.order_id = o.id))`,
  ],
  broken: ([orders = []]) =>
    (orders as { id: string; status: string; fate: string | null }[]).map(
      ({ id, status, fate }) => `${id} is ${status}, its claim ${fate}`,
    ),
};

/** At every moment, one living order at most names a cart. */
const CARTS_SPENT_TWICE: Check = {
  statements: [
    `SELECT cart_id, group_concat(id) AS orders FROM orders
     WHERE cart_id IS NOT NULL AND status NOT IN ('rejected', 'cancelled', 'expired')
     GROUP BY cart_id HAVING count(*) > 1`,
  ],
  broken: ([carts = []]) =>
    (carts as { cart_id: string; orders: string }[]).map(
      ({ cart_id, orders }) => `${cart_id} is spent by ${orders}`,
    ),
};

/** When calm, all tasks are done. */
export const UNFINISHED_WORK: Check = {
  statements: ["SELECT id, task, state FROM work WHERE state <> 'done'"],
  broken: ([tasks = []]) =>
    (tasks as { id: string; task: string; state: string }[]).map(
      ({ id, task, state }) => `${task} ${id} is ${state}`,
    ),
};

function brokenLevel(level: Level, holds: Hold[], ledger: Sums[]): string[] {
  const { store_id, on_hand, reserved } = level;
  const moved = ledger.find((sums) => sums.store_id === store_id) ?? { on_hand: 0, reserved: 0 };
  const broken: string[] = [];
  if (reserved < 0 || reserved > on_hand) broken.push(`${store_id}: reserved ${reserved} of ${on_hand}`);
  if (reserved !== heldIn(holds, store_id)) broken.push(`${store_id}: reserved ${reserved}, holds differ`);
  if (on_hand !== moved.on_hand)
    broken.push(`${store_id}: on_hand ${on_hand}, the ledger says ${moved.on_hand}`);
  if (reserved !== moved.reserved) broken.push(`${store_id}: reserved ${reserved}, the ledger differs`);
  return broken;
}

/** Stock may be behind what D1 says has left and come back, but only by that; when calm it is not. */
function brokenTotals(
  productId: string,
  opening: Opening,
  levels: Level[],
  lines: Line[],
  calm: boolean,
): string[] {
  const living = lines.filter((line) => line.product_id === productId && isLiving(line.status));
  const sold = sum(living.flatMap((line) => allocationsOf(line).map((allocation) => allocation.quantity)));
  const shipped = sum(living.flatMap((line) => allocationsOf(line).map((allocation) => allocation.shipped)));
  const restocked = sum(lines.filter((line) => line.product_id === productId).map((line) => line.restocked));
  const began = opening.get(productId) ?? 0;
  const onHand = sum(levels.map((level) => level.on_hand));
  const broken: string[] = [];
  if (sold > began + restocked) broken.push(`${productId}: sold ${sold} of ${began + restocked}`);
  const [least, most] = calm
    ? [began - shipped + restocked, began - shipped + restocked]
    : [began - shipped, began + restocked];
  if (onHand < least || onHand > most) broken.push(`${productId}: units lost or made: ${onHand} on hand`);
  return broken;
}

/** A living order has at least its unshipped units on hold at every moment, and exactly these when calm. */
function brokenLine(line: Line, holds: Hold[], calm: boolean): string[] {
  if (!isLiving(line.status)) return [];
  const hold = holds.find((one) => one.claim === line.claim_id);
  return allocationsOf(line).flatMap(({ store_id, quantity, shipped }) => {
    const held = hold?.allocations.find((allocation) => allocation.store_id === store_id)?.quantity ?? 0;
    const owed = quantity - shipped;
    return held < owed || (calm && held !== owed)
      ? [
          `${line.order_id} (${line.status}) needs ${owed} of ${line.product_id} in ${store_id}, holds ${held}`,
        ]
      : [];
  });
}

const allocationsOf = (line: Line): OrderAllocation[] => JSON.parse(line.allocations) as OrderAllocation[];
