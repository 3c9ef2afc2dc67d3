/** The most that a turn of a Stock object may cost. */
export interface StockLimit {
  statements: number;
  /** Rows, by SQLite's count: an entry of an index is a row, too. */
  read: number;
  written: number;
  /** Pages of 4 KB that its commit writes. */
  pages: number;
}

/** What costs less passes: write down here what it costs from now on, as the tests print it. */
const TABLE = `
 stmt | read | written | pages | turn
    7 |    3 |       8 |     8 | held
    3 |    4 |       0 |     0 | repeated
    5 |    6 |       3 |     3 | placed
    2 |    2 |       0 |     0 | told again
    8 |    8 |       6 |     7 | shipped
    7 |    3 |       8 |     8 | held, to be let go
    8 |    8 |       6 |     8 | let go
   10 |    4 |      12 |     9 | held in two stores
    6 |    8 |       4 |     3 | placed in two stores
  403 |  102 |     602 |    30 | 100 held
  503 |  602 |     402 |    18 | 100 let go
    3 |  104 |       0 |     0 | short
    6 |    3 |       5 |     5 | adjusted
    0 |    0 |       0 |     0 | levels read
    4 |    7 |       1 |     1 | report sent
    2 |    2 |       1 |     1 | report acknowledged
   11 |   18 |       8 |     6 | a hold asks, and lives
    3 |    6 |       0 |     0 | alarm with nothing to do
   12 |   18 |       8 |     8 | held, woken
    7 |  123 |       0 |     0 | short, woken
`;

export const STOCK_LIMITS: ReadonlyMap<string, StockLimit> = new Map(
  TABLE.trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [statements = "", read = "", written = "", pages = "", name = ""] = line.split(" | ");
      const limit = {
        ...{ statements: Number(statements), read: Number(read) },
        ...{ written: Number(written), pages: Number(pages) },
      };
      return [name.trim(), limit];
    }),
);
