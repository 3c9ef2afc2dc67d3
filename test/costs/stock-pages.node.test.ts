import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { nodeSql } from "../inventory/node-sql.ts";
import { STOCK_LIMITS } from "./stock-limits.ts";
import { takeTurns } from "./stock-turns.ts";

/** A page in the write-ahead log, with the header of its frame. */
const FRAME_BYTES = 4_096 + 24;

/** How many pages each turn writes, as its commit leaves them in the write-ahead log. */
async function pagesOf(stored: number): Promise<Map<string, number>> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-pages-"));
  try {
    using db = new DatabaseSync(join(directory, "stock.sqlite"));
    db.exec("PRAGMA page_size = 4096; PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0");
    const logged = () => statSync(join(directory, "stock.sqlite-wal")).size;
    const pages = new Map<string, number>();
    await takeTurns(nodeSql(db), stored, async (name, turn) => {
      const before = logged();
      await turn();
      pages.set(name, (logged() - before) / FRAME_BYTES);
    });
    return pages;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("a turn of Stock writes few pages, however much is stored", async () => {
  const sizes = [await pagesOf(20), await pagesOf(1_000)];
  console.log(["", ...sizes.map(tableOf)].join("\n"));
  for (const pages of sizes) {
    expect([...pages.keys()].sort()).toEqual([...STOCK_LIMITS.keys()].sort());
    for (const [name, limit] of STOCK_LIMITS) {
      expect.soft(pages.get(name), `pages of ${name}`).toBeLessThanOrEqual(limit.pages);
    }
  }
});

const tableOf = (pages: Map<string, number>): string =>
  [...pages].map(([name, count]) => `${String(count).padStart(5)} | ${name}`).join("\n");
