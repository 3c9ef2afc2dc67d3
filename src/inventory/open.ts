import { move } from "./ledger.ts";
import { readCount } from "./levels.ts";
import type { Turn } from "./sql-port.ts";
import type { OpenCommand } from "./stock-types.ts";

/** Sets opening stock where a store never had any of the product. Returns those stores. */
export function open(turn: Turn, { levels, actor }: OpenCommand): string[] {
  return levels.flatMap(({ store_id: storeId, quantity }) => {
    if (readCount(turn.sql, storeId)) return [];
    move(turn, { type: "opening", storeId, quantity, actor });
    return [storeId];
  });
}
