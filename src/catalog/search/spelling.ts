import { fold } from "../../platform/text/fold.ts";

/** More letters of a word are ignored: they would only cost time. */
export const MAX_LETTERS = 64;
/** More parts of `a-b-c-…` are not written as one word. */
const MAX_PARTS = 6;

/** A word, as FTS5 takes it too: letters, marks, digits and private-use characters. */
export const WORD = /[\p{L}\p{M}\p{N}\p{Co}]+/gu;

/**
 * Characters of scripts whose words people write without spaces, or look for inside longer ones. ー is of two of them, and
 * so of none by its `Script`.
 */
const UNSPACED = [
  ..."\\p{Script=Han} \\p{Script=Hiragana} \\p{Script=Katakana} \\p{Script=Bopomofo} \\p{Script=Hangul}".split(
    " ",
  ),
  ..."\\p{Script=Yi} \\p{Script=Thai} \\p{Script=Lao} \\p{Script=Khmer} \\p{Script=Myanmar} \\p{Script=Tibetan}".split(
    " ",
  ),
  "\u30fc\u3099\u309a",
].join("");
const RUNS = new RegExp(`[${UNSPACED}]+|[^${UNSPACED}]+`, "gu");
const IS_UNSPACED = new RegExp(`[${UNSPACED}]`, "u");

/** Words that are often written as one: `t-shirt`, `o'neill`, `at&t`, `wi/fi`. The signs as folded text has them. */
const COMPOUND = /[\p{L}\p{M}\p{N}\p{Co}]+(?:['\p{Pd}./&+_·][\p{L}\p{M}\p{N}\p{Co}]+)+/gu;

export const isUnspaced = (word: string): boolean => IS_UNSPACED.test(word);

/** A word of a text as search sees it, folded; it is cut where a script without spaces begins or ends. */
export interface Spelling {
  word: string;
  /** The compound that it stands in, as one word; null where it stands by itself. */
  compound: string | null;
}

/** The words of a text, in their order. */
export function spell(text: string): Spelling[] {
  const folded = fold(text);
  const compounds = [...folded.matchAll(COMPOUND)].map((match) => ({
    from: match.index,
    to: match.index + match[0].length,
    word: asOneWord(match[0]),
  }));
  return [...folded.matchAll(WORD)].flatMap((match) => {
    const compound = compounds.find(({ from, to }) => match.index >= from && match.index < to)?.word ?? null;
    return (match[0].match(RUNS) ?? []).map((run) => ({ word: cut(run), compound }));
  });
}

/** Null where nobody would write it so: many parts, nothing but numbers, and what has no spaces in the first place. */
function asOneWord(compound: string): string | null {
  const parts = compound.match(WORD) ?? [];
  const word = parts.join("");
  const isOne = parts.length <= MAX_PARTS && word.length <= MAX_LETTERS && !/^\p{N}+$/u.test(word);
  return isOne && !isUnspaced(word) ? word : null;
}

const cut = (word: string): string => [...word].slice(0, MAX_LETTERS).join("");

/**
 * What the index has of a text, for FTS5 to cut at spaces. Of scripts without spaces each character begins a piece of two,
 * so that any part of such a text is a row of pieces; the last one is alone. Compounds follow at the end, as one word each.
 */
export function indexed(text: string): string {
  const spelled = spell(text);
  const compounds = new Set(spelled.map(({ compound }) => compound).filter((word) => word !== null));
  return withMarks([...spelled.map(({ word }) => pieces(word)), ...compounds].join(" "));
}

/** A word as a phrase for FTS5, as it stands in the index: before another word, or as far as it is known. */
export const phraseOf = (word: string, { isWhole }: { isWhole: boolean }): string => {
  const all = pieces(word);
  const isOpen = !isWhole && isUnspaced(word) && all.includes(" ");
  return withMarks(isOpen ? all.slice(0, all.lastIndexOf(" ")) : all);
};

/** The pieces of two characters of a word without spaces; the word itself of others. */
function pieces(word: string): string {
  if (!isUnspaced(word)) return word;
  const letters = [...word];
  return letters.map((letter, at) => letter + (letters[at + 1] ?? "")).join(" ");
}

/** The first mark that FTS5 would take for a gap, and where private characters begin: there is room for all up to U+1CFF. */
const FIRST_MARK = 0x0900;
const FIRST_PRIVATE = 0xe000;

/**
 * FTS5 takes marks for gaps between words, which vowels of Thai and of the scripts of India are not. So the index has a
 * private character for each, since those count as letters.
 */
const withMarks = (text: string): string =>
  text.replaceAll(/[\u0900-\u1cff]/g, (character) =>
    /\p{M}/u.test(character)
      ? String.fromCharCode(character.charCodeAt(0) - FIRST_MARK + FIRST_PRIVATE)
      : character,
  );
