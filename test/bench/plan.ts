/** What a floor does for each request: the calls that ours was seen to make, with nothing in between. */
export interface Plan {
  answer: string;
  /** Each a call to D1. */
  reads: { sql: string; parameters: unknown[] }[][];
  /**
   * So many objects, taken in turn from so many, write so many rows each, all at once. Like ours, each tells the lists
   * of it within two seconds: by a message, whose consumer writes three rows to D1 in three statements and answers the object.
   */
  objects: { each: number; of: number; rows: number };
  /** A last call to D1 with so many statements, each of which writes the rows of its text; and a message after it. */
  writes: string[];
}

export interface Bindings {
  DB: D1Database;
  FLOOR: DurableObjectNamespace<import("./floor-worker.ts").Floor>;
  BELLS: Queue;
  NEWS: Queue<string>;
}
