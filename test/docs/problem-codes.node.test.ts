import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FIELD_CODES, PROBLEM_CODES } from "../../src/problem-codes.ts";

// The other way round, a code that no list has, does not compile: a problem is typed by them.
test("every code of the lists is still one that the source answers", () => {
  const source = globSync("src/**/*.ts", { exclude: ["src/problem-codes.ts", "src/cli/**"] })
    .map((file) => readFileSync(file, "utf8"))
    // What a route declares is what is tested.
    .map((text) => text.replaceAll(/problems\([^)]*\)/g, ""))
    .join("\n");
  const unsaid = Object.keys({ ...PROBLEM_CODES, ...FIELD_CODES }).filter(
    (code) => !source.includes(`"${code}"`) && !ELSEWHERE.has(code),
  );
  expect(unsaid).toEqual([]);
});

/** Said by zod, or put together. */
const ELSEWHERE = new Set([
  ...["invalid_type", "invalid_value", "invalid_format", "invalid_union", "invalid_key", "invalid_element"],
  ...["too_small", "too_big", "not_multiple_of", "unrecognized_keys", "unknown_category"],
]);
