import { availableParallelism } from "node:os";
import { beforeAll, expect, test } from "vitest";
import { check, type Finding, missingTools } from "../../model/check.ts";
import { ROWS } from "../../model/rows.ts";

/** The protocol's model: its properties hold in all states, and each planted fault breaks one. As `npm run model`. */
let findings: Finding[] = [];

beforeAll(async () => {
  expect(missingTools(), "on Debian: apt-get install spin gcc").toEqual([]);
  findings = await check(ROWS, availableParallelism());
}, 1_800_000);

test.each(ROWS.map((row, index) => ({ ...row, scene: row.flags.join(" ") || "no flags", index })))(
  "$model, $scene: $property $expected",
  ({ index, expected }) => {
    const finding = findings[index];
    expect(finding?.verdict, finding?.detail).toBe(expected);
  },
);
