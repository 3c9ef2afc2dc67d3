import { isoStamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import type { InventorySummary } from "./schemas.ts";

/** What is on sale, counted by product over all stores, from the counters: nothing is added up but the stores. */
export async function summariseInventory({ env, clock }: Context): Promise<InventorySummary> {
  const results = await env.DB.batch([
    env.DB.prepare("SELECT state, products FROM stock_states"),
    env.DB.prepare("SELECT coalesce(sum(units), 0) AS units FROM store_stock"),
  ]);
  const states = rowsOf<{ state: string; products: number }>(results, 0);
  const inState = (name: string) => states.find(({ state }) => state === name)?.products ?? 0;
  const [healthy, low, out] = [inState("healthy"), inState("low"), inState("out")];
  return {
    as_of: isoStamp(clock.now()),
    total_items: healthy + low + out,
    healthy,
    low_stock: low,
    out_of_stock: out,
    units: rowsOf<{ units: number }>(results, 1)[0]?.units ?? 0,
  };
}
