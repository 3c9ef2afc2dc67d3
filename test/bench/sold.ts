import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { Api } from "../../src/cli/api.ts";
import { exactInventory } from "../support/http-shop.ts";
import { backlogOf } from "./backlog.ts";

/** What a shop has sold, by the database and by the objects. */
export interface Sold {
  /** The ids of all orders in the database that the bench did not make up. */
  orders: Set<string>;
  /** Units of living orders, by the database. */
  units: number;
  /** Units reserved, by the products' objects. */
  reserved: number;
  /** Holds whose order the database does not know as living. */
  unknownHolds: number;
}

const LOOKS = 1_200;

/** Waits until nothing is owed and the lists show what was sold. Throws when it does not come to be. */
export async function atRest(db: D1Database): Promise<void> {
  const backlog = backlogOf(db, true);
  for (let looks = 0; looks < LOOKS; looks++) {
    const { tasks, units } = await backlog();
    if (tasks === 0 && units === 0) return;
    await pause(500);
  }
  throw new Error("the shop does not come to rest");
}

const idSchema = z.object({ id: z.string() });
/** Holds that no order ever took up ask for their fate after HOLD_SECONDS and ten more, and are let go. */
const PATIENCE_MS = 90_000;

/** @param productIds all that can have been sold */
export async function soldOf(db: D1Database, api: Api, productIds: string[]): Promise<Sold> {
  const { results } = await db
    .prepare(
      "SELECT id FROM orders WHERE status IN ('pending', 'confirmed', 'processing') AND id NOT LIKE 'ord_grown%'",
    )
    .all();
  const orders = new Set(results.map((row) => idSchema.parse(row).id));
  const units = await db
    .prepare(
      `SELECT coalesce(sum(i.quantity), 0) AS units FROM order_items AS i JOIN orders AS o ON o.id = i.order_id
       WHERE o.status IN ('pending', 'confirmed', 'processing')`,
    )
    .first<number>("units");
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const held = await heldOf(api, productIds, orders);
    if ((held.unknownHolds === 0 && held.reserved === units) || Date.now() > deadline)
      return { orders, units: units ?? 0, ...held };
    await pause(5_000);
  }
}

async function heldOf(api: Api, productIds: string[], orders: Set<string>) {
  let reserved = 0;
  let unknownHolds = 0;
  for (const id of productIds) {
    const inventory = await exactInventory(api, id);
    reserved += inventory.reserved;
    unknownHolds += inventory.holds.filter(({ order_id }) => !orders.has(order_id)).length;
  }
  return { reserved, unknownHolds };
}
