import type { Count, Level, Levels } from "../stock-types.ts";
import type { Books } from "./books.ts";
import type { Sql } from "./sql-port.ts";

export const NO_LEVELS: Levels = { on_hand: 0, reserved: 0, available: 0, stores: [] };

/** All stores of this object, by id. */
export const storesIn = (books: Books): Level[] =>
  [...books.levels].map(([store_id, { on_hand, reserved }]) => ({
    ...{ store_id, on_hand, reserved },
    available: on_hand - reserved,
  }));

export const levelsIn = (books: Books): Levels => addUp(storesIn(books));

/**
 * The levels at a past time: what each store's last movement up to then left there. It takes one step in an index for each
 * store, however long the ledger is. Of movements with the same stamp the last one counts.
 * @param at milliseconds
 */
export const readLevelsAt = (sql: Sql, at: number): Levels =>
  addUp(
    sql.all<Level>(
      `SELECT m.store_id, m.on_hand_after AS on_hand, m.reserved_after AS reserved,
         m.on_hand_after - m.reserved_after AS available
       FROM levels AS l CROSS JOIN movements AS m ON m.seq = (
         SELECT seq FROM movements WHERE store_id = l.store_id AND at <= ? ORDER BY at DESC, seq DESC LIMIT 1)
       ORDER BY l.store_id`,
      at,
    ),
  );

function addUp(stores: Level[]): Levels {
  const sum = (count: (level: Level) => number) => stores.reduce((total, level) => total + count(level), 0);
  return {
    on_hand: sum((level) => level.on_hand),
    reserved: sum((level) => level.reserved),
    available: sum((level) => level.available),
    stores,
  };
}

/** One store's numbers; null if the store never had any of the product. */
export function countIn(books: Books, storeId: string): Count | null {
  const level = books.levels.get(storeId);
  return level ? { on_hand: level.on_hand, reserved: level.reserved } : null;
}

export const NO_UNITS: Count = { on_hand: 0, reserved: 0 };
