/**
 * Letters that Unicode does not take apart into a letter and a mark, by what people type for them who do not have them on
 * their keyboard. Only small letters: what is folded is in lower case by then.
 */
const LETTERS = new Map(
  Object.entries({
    ...{ ł: "l", ø: "o", đ: "d", ð: "d", ħ: "h", ŧ: "t", ŋ: "n", ı: "i", ȷ: "j", ĸ: "k", ƒ: "f" },
    ...{ ß: "ss", æ: "ae", œ: "oe", þ: "th" },
    // Azerbaijani, and languages of Africa.
    ...{ ə: "e", ǝ: "e", ɛ: "e", ɔ: "o", ɓ: "b", ɖ: "d", ɗ: "d", ƙ: "k", ƴ: "y", ɨ: "i", ʉ: "u", ƶ: "z" },
    // The sigma at the end of a word, and the Ukrainian ghe.
    ...{ ς: "σ", ґ: "г" },
    // Arabic: what is written with or without its dots, Persian and Urdu forms, and the stroke that only makes a word longer.
    ...{ ى: "ي", ی: "ي", ې: "ي", ة: "ه", ہ: "ه", ھ: "ه", ک: "ك", ٱ: "ا", ـ: "" },
    // One apostrophe of the many.
    ...{ "’": "'", "‘": "'", ʼ: "'", ʻ: "'", ʹ: "'", "′": "'", "‛": "'", "`": "'", "´": "'", "׳": "'" },
  }),
);
const OF_THE_TABLE = new RegExp(`[${[...LETTERS.keys()].join("")}]`, "gu");

/** Where the digits of a script begin, other than 0 to 9. What is written wide, small or in a circle is taken apart. */
const ZEROS = "٠۰०০੦૦୦௦౦೦൦๐໐༠၀០᠐".split("").map((zero) => zero.codePointAt(0) ?? 0);

/**
 * Signs after a name (™, ℠, ℡) would be taken apart into letters that nobody means, and ´ into a space and a mark.
 */
const BEFORE = [
  [/[™℠℡]/g, " "],
  [/[\u00b4\u1ffd]/g, "'"],
] as const;

/**
 * Marks that a word is the same word without: those of Latin, Greek, Cyrillic, Arabic, Hebrew and Syriac, and what is put
 * around any letter. Not those that are letters of their own: vowels of Thai and of the scripts of India, and what makes
 * ガ of カ (U+3099, U+309A).
 */
const MARKS =
  /(?![\u3099\u309a])(?=[\p{Script=Inherited}\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}])\p{M}|\p{Me}/gu;

/** What nobody sees: joiners, directions, soft hyphens, and fillers that count as letters. */
export const INVISIBLE = /[\p{Cf}\u115f\u1160\u17b4\u17b5\u3164\uffa0]/gu;

/**
 * Text as it is compared where people look for words: one form for what is written with or without marks, in capitals or
 * not, wide or narrow, in one code point or in several. The index and the query of a search are folded by this alone, so
 * that they meet. Folded once more it stays what it is. Signs and spaces stay.
 */
export function fold(text: string): string {
  let plain = text.toWellFormed();
  for (const [sign, instead] of BEFORE) plain = plain.replaceAll(sign, instead);
  return plain
    .normalize("NFKD")
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll(INVISIBLE, "")
    .replaceAll(MARKS, "")
    .replaceAll(OF_THE_TABLE, (letter) => LETTERS.get(letter) ?? letter)
    .replaceAll(/\p{Nd}/gu, digit)
    .normalize("NFC");
}

function digit(sign: string): string {
  const point = sign.codePointAt(0) ?? 0;
  const zero = ZEROS.find((zero) => point >= zero && point <= zero + 9);
  return zero === undefined ? sign : `${point - zero}`;
}
