import type { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { Stock } from "../../src/inventory/object/stock.ts";
import { nodeSql } from "./node-sql.ts";

/** A Stock object over node:sqlite whose clock stands still, and which asks and tells nobody. @param now milliseconds */
export const quietStock = (db: DatabaseSync, now: number): Stock =>
  new Stock({
    sql: nodeSql(db),
    clock: { now: () => now, sleep: async () => {} },
    log: getLogger("silent"),
    askFates: async () => ({ claims: [], projected: [] }),
    sendReport: async () => {},
    arm: () => {},
  });
