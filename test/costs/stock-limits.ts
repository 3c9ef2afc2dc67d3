/** The most that a turn of a Stock object may cost. */
export interface StockLimit {
  statements: number;
  /** Rows, by SQLite's count: an entry of an index is a row, too. */
  read: number;
  written: number;
  /** Pages of 4 KB that its commit writes. */
  pages: number;
}

/**
 * What costs less passes: write down here what it costs from now on, as the tests print it. The first that falls
 * short in an object that has just woken looks through its open claims, which are 1,000 here.
 */
const TABLE = `
 stmt | read | written | pages | turn
    5 |    2 |       5 |     6 | held
    2 |    2 |       0 |     0 | repeated
    3 |    3 |       1 |     1 | placed
    2 |    2 |       0 |     0 | told again
    5 |    4 |       4 |     6 | shipped
    5 |    2 |       5 |     6 | held, to be let go
    5 |    4 |       4 |     6 | let go
    7 |    3 |       8 |     7 | held in two stores
    3 |    3 |       1 |     1 | placed in two stores
  302 |  101 |     401 |    25 | 100 held
  302 |  301 |     301 |    18 | 100 let go
    2 |    1 |       0 |     0 | short
    5 |    2 |       4 |     5 | adjusted
    0 |    0 |       0 |     0 | levels read
    3 |    3 |       0 |     1 | report sent
    2 |    2 |       1 |     1 | report acknowledged
    6 |    7 |       2 |     6 | a hold asks, and lives
    3 |    3 |       0 |     0 | alarm with nothing to do
   10 |   15 |       5 |     6 | held, woken
    7 | 1036 |       0 |     0 | short, woken
    6 |    3 |       5 |     8 | held, with news for the projection
    5 |    2 |       5 |     9 | held, told what has arrived
    6 |    3 |       5 |    10 | held, told what was placed
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
