import { expect, test } from "vitest";
import { readRange } from "../../src/platform/http/range.ts";

const at = (stamp: string) => Date.parse(stamp);

const RANGES: [zone: string, from: string | undefined, to: string | undefined, range: object | "reversed"][] =
  [
    ["UTC", undefined, undefined, { from: undefined, to: undefined }],
    ["UTC", "2026-11-20", "2026-11-20", { from: at("2026-11-20T00:00Z"), to: at("2026-11-21T00:00Z") - 1 }],
    ["Europe/Berlin", "2026-11-20", undefined, { from: at("2026-11-19T23:00Z"), to: undefined }],
    ["Europe/Berlin", undefined, "2026-07-20", { from: undefined, to: at("2026-07-20T22:00Z") - 1 }],
    // The clocks go back: the day has 25 hours.
    [
      "Europe/Berlin",
      "2026-10-25",
      "2026-10-25",
      { from: at("2026-10-24T22:00Z"), to: at("2026-10-25T23:00Z") - 1 },
    ],
    [
      "America/New_York",
      "2026-11-20",
      "2026-11-20T06:00:00Z",
      { from: at("2026-11-20T05:00Z"), to: at("2026-11-20T06:00Z") },
    ],
    ["America/New_York", "2026-11-20", "2026-11-20T04:00:00Z", "reversed"],
    [
      "UTC",
      "2026-11-20T12:00:00+02:00",
      "2026-11-20T10:00:00Z",
      { from: at("2026-11-20T10:00Z"), to: at("2026-11-20T10:00Z") },
    ],
    ["UTC", "2026-11-20T10:00:00.001Z", "2026-11-20T10:00:00Z", "reversed"],
    ["UTC", "2026-11-21", "2026-11-20", "reversed"],
  ];

test.each(RANGES)("in %s from %s to %s", (zone, from, to, expected) => {
  const read = readRange({ from, to }, zone);
  expect(read).toEqual(expected === "reversed" ? { kind: "reversed" } : { kind: "range", range: expected });
});
