import type { ShopSize } from "./made-up-orders.ts";
import type { Run, Step } from "./measure.ts";

const WIDTH = 34;

const wordsOf = ({ products, orders, operations }: ShopSize): string =>
  `${products} products, ${orders} orders, ${operations} operations of one product`;

/** Seconds of each step by the clock and of the processors, and how many rows, products or orders a second that is. */
export function printRun({ size, checkout, steps }: Run): void {
  console.log(`\n${wordsOf(size)} (${checkout})`);
  for (const { name, seconds, cpu, count, unit } of steps) {
    const rate = count === 0 || seconds === 0 ? "" : `${(count / seconds).toFixed(0).padStart(9)} ${unit}/s`;
    const amount = count === 0 ? "" : `${count} ${unit}`;
    const taken = `${seconds.toFixed(1).padStart(8)} s ${cpu.toFixed(1).padStart(8)} s of CPU`;
    console.log(`${name.padEnd(WIDTH)} ${taken} ${amount.padStart(18)} ${rate}`);
  }
}

/** What CPU each step took for one row, product or order, at each size: where this stays, it grows with what is stored. */
export function printGrowth(runs: Run[]): void {
  if (runs.length < 2) return;
  console.log(`\nmicroseconds of CPU for each of them, at each size (${runs[0]?.checkout})`);
  for (const { name, unit, cpu } of runs[0]?.steps ?? []) {
    if (unit === "" || cpu === 0) continue;
    const cells = runs.map(({ steps }) => {
      const step = steps.find((one) => one.name === name);
      return step ? ((step.cpu / step.count) * 1_000_000).toFixed(1) : "";
    });
    console.log(
      `${name.padEnd(WIDTH)} ${cells.map((cell) => cell.padStart(10)).join("")} a ${unit.slice(0, -1)}`,
    );
  }
}

/** How much faster one checkout is than the other at each size: the median of the rounds. */
export function printRatios(ours: Run[], others: Run[]): void {
  console.log("\ntimes as fast as the other checkout, in each round");
  for (const { name, isWhole } of ours[0]?.steps ?? []) {
    if (!isWhole) continue;
    const ratios = ours.map((run, round) => secondsOf(others[round], name) / secondsOf(run, name));
    console.log(`${name.padEnd(WIDTH)} ${ratios.map((ratio) => ratio.toFixed(2).padStart(8)).join("")}`);
  }
}

const secondsOf = (run: Run | undefined, name: string): number =>
  run?.steps.find((step: Step) => step.name === name)?.seconds ?? Number.NaN;
