import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { test } from "vitest";
import { StockRun } from "./stock-run.ts";
import { step } from "./stock-steps.ts";

const SEED = Number(process.env.STOCK_SEED ?? 20_261_101);
const RUNS = Number(process.env.STOCK_RUNS ?? 1_000);

test("any sequence of commands, repeated, reordered and lost, through evictions, keeps the promises", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 45, size: "max" }), async (steps) => {
      using db = new DatabaseSync(":memory:");
      const run = new StockRun(db);
      for (const each of steps) await run.take(each);
      await run.settle();
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 120_000);
