import type { Stock } from "../../src/inventory/object/stock.ts";
import type { DumpOutcome, DumpPage, StockRow } from "../../src/inventory/stock-types.ts";

/** A page of a dump that must go on. */
export function pageOf(outcome: DumpOutcome): DumpPage {
  if (outcome.kind !== "page") throw new Error(`the dump did not go on: ${outcome.kind}`);
  return outcome;
}

/** All rows of a dump. @param read reads a page @param between is called after each page but the last */
export async function dumpOf(
  read: (cursor: string | null) => DumpOutcome | Promise<DumpOutcome>,
  between: () => unknown = () => {},
): Promise<StockRow[]> {
  const rows: StockRow[] = [];
  let next: string | null = null;
  do {
    const page = pageOf(await read(next));
    rows.push(...page.rows);
    next = page.next;
    if (next !== null) await between();
  } while (next !== null);
  return rows;
}

/** As the restore of this generation does with an object: empties it, and loads it in one part. */
export function restoreInto(stock: Stock, productId: string, rows: StockRow[], generation: number): void {
  const emptied = stock.empty(productId, generation);
  const loaded = stock.load(productId, { first: true, last: true, rows, generation });
  if (emptied.kind !== "emptied" || loaded.kind !== "loaded")
    throw new Error(`not restored: ${emptied.kind}, ${loaded.kind}`);
}
