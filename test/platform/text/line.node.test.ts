import { z } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import "../../../src/platform/messages.ts";
import { fieldErrors } from "../../../src/platform/http/problem.ts";
import { checkTexts, line, lines } from "../../../src/platform/text/line.ts";

const ONE_LINE = "must be one line, without control characters";
const SEEN = "must have something that can be seen";
const BETWEEN = "must have zero-width characters only between letters, digits or emoji";
const SEVERAL = "must have no control characters but line breaks and tabs";

const faultsOf = (schema: z.ZodType, value: unknown) => {
  const read = schema.safeParse(value);
  return read.success ? null : fieldErrors(read.error.issues);
};

test.each([
  ["a name", "Ada Lovelace", null],
  ["blanks around it", "  Ada\n", null],
  ["marks and quotes", "O’Brien-Ñandú, 2ª", null],
  ["signs alone", "№ – ★", null],
  ["Thai with breaks between words", "ร้าน\u200bหนังสือ", null],
  ["a Persian word with a ZWNJ", "می\u200cخواهم", null],
  ["a Persian number with one", "۵\u200cتایی", null],
  ["Hindi with a ZWJ in a cluster", "क्\u200dष", null],
  ["Hindi with a halant shown at the end of a word", "क्\u200c राज", null],
  ["Malayalam typed with chillus of old", "അവന്\u200d", null],
  ["Sinhala", "ශ්\u200dරී", null],
  ["a family of emoji", "👨\u200d👩\u200d👧", null],
  ["a flag of emoji", "🏳\ufe0f\u200d🌈", null],
  ["an emoji with its skin", "👩🏽\u200d🚒", null],
  ["Hebrew with marks of direction", "רחוב 5\u200f", null],
  ["a word with a soft hyphen", "Donau\u00addampf", null],
  ["a line break", "Ada\nBcc: x@y.example", ONE_LINE],
  ["a line separator", "Ada\u2028Lovelace", ONE_LINE],
  ["a tab", "Ada\tLovelace", ONE_LINE],
  ["a bell", "Ada\u0007", ONE_LINE],
  ["an escape", "\u001b[31mAda", ONE_LINE],
  ["a DEL", "Ada\u007f", ONE_LINE],
  ["a C1 control", "Ada\u0085Lovelace", ONE_LINE],
  ["a zero-width space alone", "\u200b", SEEN],
  ["joiners and blanks", "\u200d \u00a0\u2060", SEEN],
  ["a soft hyphen alone", "\u00ad", SEEN],
  ["a filler of Hangul", "\u3164", SEEN],
  ["a blank of Braille", "\u2800", SEEN],
  ["marks of direction alone", "\u200e\u200f", SEEN],
  ["a zero-width space at the beginning", "\u200bAda", BETWEEN],
  ["and at the end", "Ada\u200b", BETWEEN],
  ["and before a space", "Ada\u200b Lovelace", BETWEEN],
  ["a joiner between signs", "A-\u200d-B", BETWEEN],
  ["two joiners", "A\u200c\u200cB", BETWEEN],
  ["a byte order mark inside", "Ada \ufeffLovelace", BETWEEN],
])("a text of one line: %s", (_, text, words) => {
  const fault = words && [{ code: "invalid_characters", message: words }];
  expect(faultsOf(line(200), text)).toEqual(fault);
});

test.each([
  ["", "too_small", "must be text of 1 to 5 characters"],
  ["123456", "too_big", "must be text of 1 to 5 characters"],
])("its length counts as well: %j", (text, code, message) => {
  expect(faultsOf(line(5), text)).toEqual([{ code, message }]);
});

test.each([
  ["several lines", "Ring twice.\r\n\tThen wait.\n", null],
  ["nothing", "", null],
  ["zero-width characters", "\u200b", null],
  ["a bell", "Ring\u0007", SEVERAL],
  ["a form feed", "a\fb", SEVERAL],
  ["a C1 control", "a\u009bb", SEVERAL],
])("a text of several lines: %s", (_, text, words) => {
  expect(faultsOf(lines(200), text)).toEqual(words && [{ code: "invalid_characters", message: words }]);
});

test.each([
  [{ a: "x\ny", b: [1, null, { c: "\t" }] }, null],
  [{ a: { b: ["fine", "a\u0007"] } }, "a.b.1"],
  [{ "a\u001b": 1 }, "a\u001b"],
])("texts of an object of the client's own: %j", (value, field) => {
  const schema = z.record(z.string(), z.unknown()).superRefine(checkTexts);
  expect(faultsOf(schema, value)).toEqual(field && [{ field, code: "invalid_characters", message: SEVERAL }]);
});
