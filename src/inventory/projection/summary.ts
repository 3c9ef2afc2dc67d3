import type { Context } from "../../platform/context.ts";
import { batch, sql } from "../../platform/sql.ts";
import type { InventorySummary } from "../schemas.ts";
import { asOf, TOLD } from "./projection.ts";

/** Counts what is on sale by state over all stores. Reads counters that triggers keep, and adds up only the stores' units. */
export async function summariseInventory({ env }: Context): Promise<InventorySummary> {
  const {
    states,
    all: [all],
  } = await batch(env.DB, {
    states: sql<{ state: string; products: number }>`SELECT state, products FROM stock_states`,
    all: sql<{ units: number; told: number | null }>`
      SELECT coalesce(sum(units), 0) AS units, ${TOLD} AS told FROM store_stock`,
  });
  const inState = (name: string) => states.find(({ state }) => state === name)?.products ?? 0;
  const [healthy, low, out] = [inState("healthy"), inState("low"), inState("out")];
  return {
    as_of: asOf(all?.told),
    total_items: healthy + low + out,
    healthy,
    low_stock: low,
    out_of_stock: out,
    units: all?.units ?? 0,
  };
}
