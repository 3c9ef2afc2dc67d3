import fc from "fast-check";
import { expect, test } from "vitest";
import { fold } from "../../../src/platform/text/fold.ts";
import { nameKey } from "../../../src/platform/text/name-key.ts";
import { sortKey } from "../../../src/platform/text/sort-key.ts";

/** Any text, and text of the blocks in which folding has most to do. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({
    unit: fc
      .oneof(
        ...[
          [0x20, 0x24f],
          [0x250, 0x6ff],
          [0x900, 0xeff],
          [0x1e00, 0x1fff],
          [0x3040, 0x30ff],
          [0xac00, 0xad00],
          [0x2000, 0x24ff],
          [0xff00, 0xffef],
        ].map(([min = 0, max = 0]) => fc.integer({ min, max })),
      )
      .map((point) => String.fromCodePoint(point)),
  }),
);

test.each([
  ["fold", fold],
  ["nameKey", nameKey],
])("%s of what it made is the same, whatever the form of Unicode", (_, key) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const made = key(text);
      expect(key(made)).toBe(made);
      if (text.isWellFormed()) {
        expect(key(text.normalize("NFD"))).toBe(made);
        expect(key(text.normalize("NFC"))).toBe(made);
      }
    }),
    { numRuns: 3_000 },
  );
});

test("every single character folds to what stays", () => {
  const unstable: string[] = [];
  for (let point = 0; point <= 0x1ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const one = String.fromCodePoint(point);
    for (const key of [fold, nameKey]) {
      if (key(key(one)) !== key(one) || key(one.normalize("NFD")) !== key(one)) {
        unstable.push(`${key.name} ${point.toString(16)}`);
      }
    }
  }
  expect(unstable).toEqual([]);
});

test.each([
  ["ŁÓDŹ", "lodz"],
  ["Smørrebrød", "smorrebrod"],
  ["Straße", "strasse"],
  ["GROẞE", "grosse"],
  ["İstanbul ılık", "istanbul ilik"],
  ["Ёлка", "елка"],
  ["Ὀδυσσεύς", "οδυσσευσ"],
  ["קָפֶה", "קפה"],
  ["قَهْوَة", "قهوه"],
  ["ＬＥＤ １５", "led 15"],
  ["ｶﾞﾗｽ", "ガラス"],
  ["ガ".normalize("NFD"), "ガ"],
  ["हिन्दी", "हिन्दी"],
  ["٣ ๔ ५", "3 4 5"],
  ["Lego™", "lego "],
  ["zero\u200bwidth so\u00adft", "zerowidth soft"],
])("%j folds to %j", (text, folded) => {
  expect(fold(text)).toBe(folded);
});

test.each([
  ["Äpfel", "ÄPFEL", true],
  ["Äpfel", "A\u0308pfel", true],
  ["Tea  and\u00a0coffee ", "tea and coffee", true],
  ["Straße", "STRASSE", true],
  ["Κήπος", "ΚΉΠΟΣ", true],
  ["Книги", "КНИГИ", true],
  ["Ｂｏｏｋｓ", "books", true],
  ["Bo\u00adoks\u200b", "Books", true],
  ["Äpfel", "Apfel", false],
  ["Books", "Book", false],
  ["茶", "茶葉", false],
])("%j and %j are one name: %j", (one, other, same) => {
  expect(nameKey(one) === nameKey(other)).toBe(same);
});

test("titles are sorted as people sort them", () => {
  const sorted = [
    ...[
      "!!!",
      "(A) first",
      "Äpfel",
      "apple",
      "Banana",
      "éclair",
      "Edam",
      "item 9",
      "item 10",
      "Item 010 b",
      "item 100",
    ],
    ...["Łódź", "lolly", "Öfen", "Oil", "Zebra", "Äpfel zuletzt".replace("Ä", "Ж"), "東京"],
  ];
  const byKey = sorted.toReversed().toSorted((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));
  expect(byKey).toEqual(sorted);
});
