import type { Context } from "../../platform/context.ts";

export const SELLING_STATES = ["open", "stopped"] as const;
export type SellingState = (typeof SELLING_STATES)[number];

/** Whether orders are taken. A shop that nobody ever stopped has no row. */
export interface Selling {
  state: SellingState;
  /** When it came to be so, milliseconds; null: it was always open. */
  since: number | null;
}

/** orders/place/ask.ts reads the same row in its own batch. */
export async function readSelling(context: Context): Promise<Selling> {
  const row = await context.env.DB.prepare(
    "SELECT value, since FROM shop_state WHERE key = 'selling'",
  ).first<{
    value: string;
    since: number;
  }>();
  return row
    ? { state: row.value === "stopped" ? "stopped" : "open", since: row.since }
    : { state: "open", since: null };
}

/** Stops or opens. The same again changes nothing, `since` included. */
export async function setSelling(context: Context, state: SellingState): Promise<Selling> {
  await context.env.DB.prepare(
    `INSERT INTO shop_state (key, value, since) VALUES ('selling', ?1, ?2)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value, since = excluded.since WHERE value <> excluded.value`,
  )
    .bind(state, context.clock.now())
    .run();
  context.log.warn("selling was set", { state, by: context.actor.name });
  return readSelling(context);
}
