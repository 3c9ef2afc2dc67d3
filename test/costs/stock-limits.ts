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
    6 |    3 |       7 |     7 | held
    2 |    2 |       0 |     0 | repeated
    3 |    3 |       2 |     3 | placed
    2 |    2 |       0 |     0 | told again
    6 |    5 |       5 |     6 | shipped
    6 |    3 |       7 |     7 | held, to be let go
    6 |    5 |       5 |     7 | let go
    8 |    4 |      10 |     8 | held in two stores
    3 |    3 |       2 |     3 | placed in two stores
  303 |  102 |     502 |    26 | 100 held
  303 |  302 |     302 |    19 | 100 let go
    3 |   44 |       0 |     0 | short
    6 |    3 |       5 |     5 | adjusted
    0 |    0 |       0 |     0 | levels read
    4 |    7 |       1 |     1 | report sent
    2 |    2 |       1 |     1 | report acknowledged
    9 |   15 |       7 |     6 | a hold asks, and lives
    3 |    6 |       0 |     0 | alarm with nothing to do
   11 |   17 |       7 |     7 | held, woken
    7 |   59 |       0 |     0 | short, woken
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
