import { type BackupWriter, STOCK_FILE } from "../../../src/cli/save-shop.ts";
import { partsJson } from "../../../src/inventory/object/holds.ts";
import type { Count, Movement, MovementType, StockRow } from "../../../src/inventory/stock-types.ts";
import { idOf, type MadeUpOrder, madeUpOrder, openedAt, type ShopSize, storesOf } from "./made-up-orders.ts";

const HOUR_MS = 3_600_000;
const OPENING_UNITS = 100_000;

/** What one order, or one adjustment, does to a level at a moment. */
interface Step {
  at: number;
  type: Exclude<MovementType, "correction">;
  storeId: string;
  quantity: number;
  order: number | null;
}

/** Writes each product's object so that its ledger, its holds and its levels agree with the orders. */
export async function writeStock(writer: BackupWriter, size: ShopSize, now: number): Promise<void> {
  const orders = ordersByProduct(size, now);
  for (let product = 0; product < size.products; product++) {
    const operations = product === 0 ? size.operations : 0;
    const rows = objectOf(product, orders[product] ?? [], operations, now);
    await writer.append(
      STOCK_FILE,
      rows.map((row) => ({ product: idOf("prd", product), ...row })),
    );
  }
}

function ordersByProduct(size: ShopSize, now: number): MadeUpOrder[][] {
  const byProduct: MadeUpOrder[][] = Array.from({ length: size.products }, () => []);
  for (let number = 0; number < size.orders; number++) {
    const order = madeUpOrder(number, size, now);
    for (const { product } of order.lines) byProduct[product]?.push(order);
  }
  return byProduct;
}

function objectOf(product: number, orders: MadeUpOrder[], operations: number, now: number): StockRow[] {
  const stores = storesOf(product);
  const begin = openedAt(now);
  const steps: Step[] = [
    ...stores.map((storeId) => ({
      ...{ at: begin, type: "opening" as const, storeId, quantity: OPENING_UNITS, order: null },
    })),
    ...orders.flatMap((order) => stepsOf(product, order)),
    ...Array.from({ length: operations }, (_, index) => ({
      at: begin + HOUR_MS + Math.floor((index * (now - begin - 2 * HOUR_MS)) / operations),
      ...{ type: "add" as const, storeId: stores[index % stores.length] ?? "", quantity: 1, order: null },
    })),
  ].toSorted((one, other) => one.at - other.at);
  const ledger = new Ledger();
  const adjustments: Movement[] = [];
  for (const step of steps) {
    const movement = ledger.move(step);
    if (step.type === "add") adjustments.push(movement);
  }
  return [
    row("meta", {
      ...{
        one: 1,
        schema: 3,
        product_id: idOf("prd", product),
        epoch: begin,
        version: ledger.movements.length,
      },
      ...{
        acked: ledger.movements.length,
        sent_at: now - HOUR_MS,
        report_at: null,
        generation: 0,
        loading: 0,
      },
    }),
    ...orders.flatMap((order) => claimOf(product, order, now)),
    ...[...ledger.levels].map(([store_id, { on_hand, reserved, version }]) =>
      row("levels", { store_id, on_hand, reserved, version }),
    ),
    ...adjustments.map(operationOf),
    ...ledger.movements.map((movement) =>
      row("movements", {
        ...{
          seq: movement.seq,
          at: Date.parse(movement.at),
          type: movement.type,
          store_id: movement.store_id,
        },
        ...{ quantity: movement.quantity },
        ...{ on_hand_before: movement.before.on_hand, reserved_before: movement.before.reserved },
        ...{ on_hand_after: movement.after.on_hand, reserved_after: movement.after.reserved },
        ...{ actor: movement.actor, reason: movement.reason, reference: movement.reference },
        order_id: movement.order_id,
      }),
    ),
  ];
}

const row = (table: StockRow["table"], cells: StockRow["row"]): StockRow => ({ table, row: cells });

const EFFECTS: Partial<Record<MovementType, Count>> = {
  opening: { on_hand: 1, reserved: 0 },
  add: { on_hand: 1, reserved: 0 },
  reserve: { on_hand: 0, reserved: 1 },
  release: { on_hand: 0, reserved: -1 },
  ship: { on_hand: -1, reserved: -1 },
};

/** The lines of one object, each from what the one before left in its store. */
class Ledger {
  readonly movements: Movement[] = [];
  readonly levels = new Map<string, Count & { version: number }>();

  move({ at, type, storeId, quantity, order }: Step): Movement {
    const level = this.levels.get(storeId) ?? { on_hand: 0, reserved: 0 };
    const effect = EFFECTS[type] ?? { on_hand: 0, reserved: 0 };
    const before = { on_hand: level.on_hand, reserved: level.reserved };
    const after = {
      on_hand: before.on_hand + effect.on_hand * quantity,
      reserved: before.reserved + effect.reserved * quantity,
    };
    const movement: Movement = {
      ...{ seq: this.movements.length + 1, at: new Date(at).toISOString(), type, store_id: storeId },
      ...{ quantity: type === "ship" ? -quantity : quantity, before, after },
      actor: order === null ? "usr_scale" : "system",
      reason: type === "add" ? "found in the back" : null,
      reference: null,
      order_id: order === null ? null : idOf("ord", order),
    };
    this.movements.push(movement);
    this.levels.set(storeId, { ...after, version: movement.seq });
    return movement;
  }
}

/** An order's units are reserved when it is placed, and leave or are let go with one of its later versions. */
function stepsOf(product: number, order: MadeUpOrder): Step[] {
  const line = order.lines.find((one) => one.product === product);
  if (!line) return [];
  const units = { storeId: line.allocation.store_id, quantity: line.quantity, order: order.number };
  const [placed, ...later] = order.versions;
  return [
    { at: placed.at, type: "reserve", ...units },
    ...later.flatMap(({ status, at }): Step[] => {
      if (status === "shipped") return [{ at, type: "ship", ...units }];
      return status === "cancelled" || status === "expired" ? [{ at, type: "release", ...units }] : [];
    }),
  ];
}

function claimOf(product: number, { number, versions, lines }: MadeUpOrder, now: number): StockRow[] {
  const line = lines.find((one) => one.product === product);
  if (!line) return [];
  const { store_id, quantity, shipped } = line.allocation;
  const status = versions.at(-1)?.status;
  const kept = status === "cancelled" || status === "expired" ? 0 : quantity - shipped;
  return [
    row("claims", {
      ...{ claim: idOf("clm", number), order_id: idOf("ord", number), state: kept > 0 ? "open" : "settled" },
      ...{ version: versions.length, ask_at: now + 24 * HOUR_MS, asks: 1, created_at: versions[0].at },
      parts: partsJson([{ store_id, kept, shipped }]),
    }),
  ];
}

function operationOf(movement: Movement, index: number): StockRow {
  const { store_id: storeId, quantity, actor, reason, type } = movement;
  const command = { operation: idOf("opr", index), storeId, type, quantity, reason, reference: null, actor };
  return row("operations", {
    id: command.operation,
    fingerprint: JSON.stringify(command, Object.keys(command).sort()),
    outcome: JSON.stringify({ kind: "done", movements: [movement] }),
  });
}
