/** What a floor does for each request: the calls that ours was seen to make, with nothing in between. */
export interface Plan {
  answer: string;
  /** Of one request after the other, each call to D1 with its statements. All have the same statements. */
  reads: { sql: string; parameters: unknown[] }[][][];
  /**
   * So many objects, taken in turn from so many, put a row in each of these of their tables, all at once. Like ours, each
   * tells the lists of it within two seconds: by a message, whose consumer writes a row to D1 in each of three statements
   * and answers the object.
   */
  objects: { each: number; of: number; tables: number[] };
  /** A last call to D1, whose n-th statement puts these rows, a JSON array of texts, into table `floor_n`; and a message after it. */
  writes: string[];
}

/**
 * What a Stock object writes for one hold, statement by statement, in entries as SQLite counts them, a row and each of its
 * indexes': claim 2, movement 2, its own row, level.
 */
export const ENTRIES_OF_A_HOLD = [2, 2, 1, 1];

/**
 * The tables that a floor writes to, one for each statement, with so many indexes that a row comes to so many entries.
 * An entry in a tree of its own is a page to write, and a row of a table without indexes but the end of one: what D1
 * counts would be the same, what it does would not.
 */
export const tablesOf = (name: string, entries: number[]): string[] =>
  entries.flatMap((entriesOfARow, place) => [
    `CREATE TABLE IF NOT EXISTS ${name}_${place} (id INTEGER PRIMARY KEY, body TEXT)`,
    ...Array.from(
      { length: entriesOfARow - 1 },
      (_, index) => `CREATE INDEX IF NOT EXISTS ${name}_${place}_${index} ON ${name}_${place} (id)`,
    ),
  ]);

export interface Bindings {
  DB: D1Database;
  FLOOR: DurableObjectNamespace<import("./floor-worker.ts").Floor>;
  DESK: DurableObjectNamespace<import("./floor-desk.ts").FloorDesk>;
  BELLS: Queue;
  NEWS: Queue<string>;
}
