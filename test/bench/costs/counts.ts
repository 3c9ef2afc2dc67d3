import { METERS, type Meter, PRICES } from "./prices.ts";

/** Where a priced shop says what it has counted; with DELETE it begins anew. */
export const COUNTS_PATH = "/bench/counts";

/** Counted, but not billed by itself: round trips to D1, and mails, whose price is their sender's. */
export type Counter = Meter | "d1_call" | "mail";

/** How much was counted, by what and of what: `["d1_row_written orders", 2]`. */
export type Counts = Record<string, number>;

export const add = (counts: Counts, counter: Counter, thing: string, by = 1): void => {
  const name = `${counter} ${thing}`;
  counts[name] = (counts[name] ?? 0) + by;
};

export const sumOf = (counts: Counts, counter: Counter): number =>
  Object.entries(counts).reduce(
    (sum, [name, value]) => sum + (name.startsWith(`${counter} `) ? value : 0),
    0,
  );

/** Of several counts together. */
export function together(all: Counts[]): Counts {
  const sum: Counts = {};
  for (const [name, value] of all.flatMap((counts) => Object.entries(counts))) {
    sum[name] = (sum[name] ?? 0) + value;
  }
  return sum;
}

export const divided = (counts: Counts, by: number): Counts =>
  Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, value / by]));

/** Dollars for a million of what was counted. */
export const dollarsOf = (counts: Counts): number =>
  METERS.reduce((sum, meter) => sum + sumOf(counts, meter) * PRICES[meter].dollars, 0);

/** What costs how much, the dearest first: dollars for a million. */
export const dearest = (counts: Counts): { meter: Meter; thing: string; count: number; dollars: number }[] =>
  Object.entries(counts)
    .flatMap(([name, count]) => {
      const [first = "", thing = ""] = name.split(/ (.*)/);
      const meter = METERS.find((one) => one === first);
      return meter ? [{ meter, thing, count, dollars: count * PRICES[meter].dollars }] : [];
    })
    .sort((a, b) => b.dollars - a.dollars);
