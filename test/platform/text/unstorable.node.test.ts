import fc from "fast-check";
import { expect, test } from "vitest";
import { findUnstorableText, pathOfText } from "../../../src/platform/json-text.ts";

/**
 * The plain way: everything is walked. What was sent itself, and not what JSON.parse makes of it: that of Node 24 takes the
 * name "\\u0000" for "\\" where it has parsed objects of the same shape before.
 */
const plainly = (sent: unknown): string | null =>
  pathOfText(sent, (text) => text.includes("\0") || !text.isWellFormed())?.join(".") ?? null;

const pieces = [
  "a",
  "1",
  "\0",
  "\ud83d",
  "\ude00",
  "\ud83d\ude00",
  '"',
  "\\",
  "\\u0000",
  "\\ud83d",
  "\n",
  "é",
  "{",
  "]",
  ",",
];
const text = fc.array(fc.constantFrom(...pieces), { maxLength: 4 }).map((some) => some.join(""));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    text,
    fc.constantFrom(null, true, 1.5),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(text, tie("value"), { maxKeys: 4 }),
  ),
}));

test("whatever is sent: the same string is found as by walking it all", () => {
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2), (sent, spaces) => {
      // JSON.stringify escapes halves of pairs; whole pairs are escaped here.
      const json = JSON.stringify(sent, null, spaces);
      const escaped = json.replaceAll("\ud83d\ude00", "\\uD83d\\ude00");
      expect(findUnstorableText(json)).toBe(plainly(sent));
      expect(findUnstorableText(escaped)).toBe(plainly(sent));
    }),
    { numRuns: 3_000 },
  );
});

test("what is not JSON ends too", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces, "[", "}", ":"), { maxLength: 12 }), (some) => {
      const path = findUnstorableText(some.join(""));
      expect(path === null || typeof path === "string").toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
