import type { Sql } from "./sql-port.ts";
import type { Count, Level, Levels } from "./stock-types.ts";

export const NO_LEVELS: Levels = { on_hand: 0, reserved: 0, available: 0, stores: [] };

/** All stores of this object, by id. */
export const readStores = (sql: Sql): Level[] =>
  sql.all<Level>(
    "SELECT store_id, on_hand, reserved, on_hand - reserved AS available FROM levels ORDER BY store_id",
  );

export function readLevels(sql: Sql): Levels {
  const stores = readStores(sql);
  const sum = (count: (level: Level) => number) => stores.reduce((total, level) => total + count(level), 0);
  return {
    on_hand: sum((level) => level.on_hand),
    reserved: sum((level) => level.reserved),
    available: sum((level) => level.available),
    stores,
  };
}

/** One store's numbers; null where it never had any of the product. */
export const readCount = (sql: Sql, storeId: string): Count | null =>
  sql.all<Count>("SELECT on_hand, reserved FROM levels WHERE store_id = ?", storeId)[0] ?? null;

export const NOTHING: Count = { on_hand: 0, reserved: 0 };
