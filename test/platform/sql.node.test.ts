import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { allOf, each, eachPart, joined, nothing, type Sql, sql, trusted } from "../../src/platform/sql.ts";

/** What SQLite itself makes of a statement. */
function ask(statement: Sql): unknown[] {
  const { text, values } = statement.compile();
  return new DatabaseSync(":memory:")
    .prepare(text)
    .all(...values)
    .map((row) => ({ ...row }));
}

describe("a piece of SQL", () => {
  it("binds its values and nests, wherever a piece stands", () => {
    const condition = sql`a = ${1} AND b = ${"two"}`;
    expect(sql`SELECT ${0} FROM t WHERE ${condition} OR c = ${null}`.compile()).toEqual({
      text: "SELECT ?1 FROM t WHERE a = ?2 AND b = ?3 OR c = ?4",
      values: [0, 1, "two", null],
    });
  });

  it("sends equal strings once, and a number and the text of it apart", () => {
    expect(sql`${"x"} ${1} ${"1"} ${sql`${"x"}`} ${1}`.compile()).toEqual({
      text: "?1 ?2 ?3 ?1 ?4",
      values: ["x", 1, "1", 1],
    });
  });

  it("gives SQLite every value as it is, whatever it looks like", () => {
    const text = "'); DROP TABLE t; -- ?1 :x";
    expect(ask(sql`SELECT ${text} AS text, ${2} AS number, ${null} AS missing`)).toEqual([
      { text, number: 2, missing: null },
    ]);
  });

  it("joins pieces, and conditions that must all hold", () => {
    expect(joined([sql`a = ${1}`, trusted("b"), nothing]).compile()).toEqual({
      text: "a = ?1, b, ",
      values: [1],
    });
    expect(joined([]).compile()).toEqual({ text: "", values: [] });
    expect(
      ask(sql`SELECT ${allOf([])} AS none, ${allOf([sql`1 = ${1}`, sql`${"a"} = ${"b"}`])} AS both`),
    ).toEqual([{ none: 1, both: 0 }]);
  });

  it("reads a list as a table of one parameter", () => {
    const rows = [
      { id: "a", n: 1 },
      { id: "b", n: null },
    ];
    expect(
      ask(sql`SELECT row.value ->> 'id' AS id, row.value ->> 'n' AS n FROM ${each(rows)} AS row`),
    ).toEqual(rows);
  });

  it("cuts a list that is too long for one parameter, and loses none of it", () => {
    const list = Array.from({ length: 1_200 }, (_, index) => ({ index, text: "é".repeat(1_000) }));
    const parts = eachPart(list);
    expect(parts).toHaveLength(3);
    for (const part of parts) expect(String(part.compile().values[0]).length).toBeLessThan(510_000);
    const read = parts.flatMap((part) => ask(sql`SELECT value ->> 'index' AS n FROM ${part}`));
    expect(read).toEqual(list.map(({ index }) => ({ n: index })));
    expect(eachPart([])).toEqual([]);
    expect(eachPart(["x".repeat(600_000)])).toHaveLength(1);
  });
});
