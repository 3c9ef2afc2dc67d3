import { expect, test } from "vitest";
import { writeMetrics } from "../../../src/ops/metrics/exposition.ts";
import { parseMetrics } from "./parse.ts";

test("what has a meaning in the format is escaped, in help and in labels", () => {
  const odd = 'a\\b "c"\nd,e="f"}{ # \\n €';
  const text = writeMetrics([
    { name: "one", type: "gauge", help: 'back\\slash, "quotes"\nand a line', samples: [{ value: 1.5 }] },
    { name: "two", type: "counter", help: "h", samples: [{ labels: { a: odd, b: "" }, value: 2 }] },
  ]);
  expect(text).toBe(
    [
      '# HELP one back\\\\slash, "quotes"\\nand a line',
      "# TYPE one gauge",
      "one 1.5",
      "# HELP two h",
      "# TYPE two counter",
      'two{a="a\\\\b \\"c\\"\\nd,e=\\"f\\"}{ # \\\\n €",b=""} 2',
      "",
    ].join("\n"),
  );
  const families = parseMetrics(text);
  expect(families.get("one")?.help).toBe('back\\slash, "quotes"\nand a line');
  expect([...(families.get("two")?.samples.keys() ?? [])]).toEqual([JSON.stringify({ a: odd, b: "" })]);
});

test("numbers are written as Go reads them, and a family may have none", () => {
  const values = [0, -3, 1e21, 1e-7, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const text = writeMetrics([
    {
      name: "n",
      type: "gauge",
      help: "h",
      samples: values.map((value, i) => ({ labels: { i: String(i) }, value })),
    },
    { name: "none", type: "gauge", help: "h", samples: [] },
  ]);
  expect(text.split("\n").map((line) => line.split(" ").at(-1))).toEqual([
    "h",
    "gauge",
    "0",
    "-3",
    "1e+21",
    "1e-7",
    "NaN",
    "+Inf",
    "-Inf",
    "h",
    "gauge",
    "",
  ]);
  expect([...(parseMetrics(text).get("n")?.samples.values() ?? [])]).toEqual(values);
  expect(parseMetrics(text).get("none")?.samples.size).toBe(0);
});
