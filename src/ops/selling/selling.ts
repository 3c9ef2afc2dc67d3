import type { Context } from "../../platform/context.ts";
import { raiseGeneration } from "../../platform/restoring.ts";
import { batch, first, sql } from "../../platform/sql.ts";

/**
 * `stopped`: no new orders, while all else goes on. `restoring`: a backup is being restored, and only the restore may write
 * (platform/restoring.ts).
 */
export const SELLING_STATES = ["open", "stopped", "restoring"] as const;
export type SellingState = (typeof SELLING_STATES)[number];

/** Whether orders are taken. A shop that nobody ever stopped has no row. */
export interface Selling {
  state: SellingState;
  /** Since when, milliseconds; null if it was always open. */
  since: number | null;
}

const isState = (value: string): value is SellingState =>
  (SELLING_STATES as readonly string[]).includes(value);

/** orders/place/load.ts and payments/money.ts read the same row in batches of their own. */
export async function readSelling(context: Context): Promise<Selling> {
  const row = await first(
    context.env.DB,
    sql<{ value: string; since: number }>`SELECT value, since FROM shop_state WHERE key = 'selling'`,
  );
  if (!row) return { state: "open", since: null };
  return { state: isState(row.value) ? row.value : "stopped", since: row.since };
}

/** Stops selling, opens the shop, or closes it for a restore. Setting the same again does not
 * change `since`. Each restore has a generation of its own, also one that begins again. */
export async function setSelling(context: Context, state: SellingState): Promise<Selling> {
  const now = context.clock.now();
  await batch(context.env.DB, {
    state: sql`
      INSERT INTO shop_state (key, value, since) VALUES ('selling', ${state}, ${now})
      ON CONFLICT (key) DO UPDATE SET value = excluded.value, since = excluded.since WHERE value <> excluded.value`,
    generation: state === "restoring" ? raiseGeneration(now) : undefined,
  });
  context.log.warn("selling was set", { state, by: context.actor.name });
  return readSelling(context);
}
