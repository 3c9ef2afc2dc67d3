/** What a floor does for each request: the calls that ours was seen to make, with nothing in between. */
export interface Plan {
  answer: string;
  /** Each a call to D1. */
  reads: { sql: string; parameters: unknown[] }[][];
  /** So many objects, taken in turn from so many, write so many rows each, all at once. */
  objects: { each: number; of: number; rows: number };
  /** A last call to D1 with so many statements, that write so many rows in all; and a message after it. */
  writes: { statements: number; rows: number };
}
