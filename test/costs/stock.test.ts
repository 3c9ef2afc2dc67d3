import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { Sql, SqlValue } from "../../src/inventory/object/sql-port.ts";
import { STOCK_LIMITS, type StockLimit } from "./stock-limits.ts";
import { takeTurns } from "./stock-turns.ts";

type Cost = Omit<StockLimit, "pages">;

/** What each turn costs in the storage of an object, by its own count. */
async function costsOf(stored: number): Promise<Map<string, Cost>> {
  const costs = new Map<string, Cost>();
  const object = env.STOCK.get(env.STOCK.idFromName(`prd_of_${stored}`));
  await runInDurableObject(object, async (_, { storage }) => {
    const cost: Cost = { statements: 0, read: 0, written: 0 };
    const sql: Sql = {
      all: <T>(query: string, ...parameters: SqlValue[]) => {
        const cursor = storage.sql.exec(query, ...parameters);
        const rows = cursor.toArray() as T[];
        cost.statements += 1;
        cost.read += cursor.rowsRead;
        cost.written += cursor.rowsWritten;
        return rows;
      },
      transact: (work) => storage.transactionSync(work),
    };
    await takeTurns(sql, stored, async (name, turn) => {
      Object.assign(cost, { statements: 0, read: 0, written: 0 });
      await turn();
      costs.set(name, { ...cost });
    });
  });
  return costs;
}

test("what a turn of Stock costs does not grow with what is stored", async () => {
  const sizes = [await costsOf(20), await costsOf(1_000)];
  console.log(`\n${sizes.map(tableOf).join("\n\n")}`);
  for (const costs of sizes) {
    expect([...costs.keys()].sort()).toEqual([...STOCK_LIMITS.keys()].sort());
    for (const [name, { statements, read, written }] of STOCK_LIMITS) {
      const cost = costs.get(name);
      expect.soft(cost?.statements, `statements of ${name}`).toBeLessThanOrEqual(statements);
      expect.soft(cost?.read, `rows read of ${name}`).toBeLessThanOrEqual(read);
      expect.soft(cost?.written, `rows written of ${name}`).toBeLessThanOrEqual(written);
    }
  }
}, 60_000);

/** As stock-limits.ts has it; pages are counted by stock-pages.node.test.ts. */
const tableOf = (costs: Map<string, Cost>): string =>
  [...costs]
    .map(([name, { statements, read, written }]) => {
      const cells = [statements, read, written].map((cell) => String(cell).padStart(5));
      return `${cells.join(" |")} |     ? | ${name}`;
    })
    .join("\n");
