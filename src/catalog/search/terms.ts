import { isUnspaced, MAX_LETTERS, phraseOf, spell, WORD } from "./spelling.ts";

/** More words of a query are ignored: they would only cost time. */
const MAX_WORDS = 12;
/** Neighbours are tried as one word only in a query as short as names are. */
const MAX_JOINED_WORDS = 4;

/** A word of a query, folded. */
export interface Word {
  text: string;
  /** What else it may be written as, as phrases for FTS5, which may stand for its neighbours too. */
  also: string[];
}

/** The distinct words of any text. None if it has neither letters nor digits. */
export function wordsOf(text: string): Word[] {
  const spelled = spell(text);
  const all = spelled.map(({ word }) => word);
  const whole = all.length <= MAX_JOINED_WORDS ? asOne(all) : null;
  const words = new Map<string, Set<string>>();
  for (const [index, { word, compound }] of spelled.entries()) {
    if (words.size === MAX_WORDS && !words.has(word)) break;
    const also = words.get(word) ?? new Set();
    words.set(word, also);
    const [before, after] = [all[index - 1], all[index + 1]];
    const neighbours = whole === null ? [] : [before && asOne([before, word]), after && asOne([word, after])];
    for (const form of [compound, whole, ...neighbours, ...apart(word)]) {
      if (form && form !== word) also.add(form);
    }
  }
  addUnfolded(words, text);
  return [...words].map(([text, also]) => ({ text, also: [...also] }));
}

/** Words as one: `iphone 15` may be `iPhone15`. Null where it would be too long, or of a script without spaces. */
function asOne(words: string[]): string | null {
  const word = words.join("");
  return words.length > 1 && word.length <= MAX_LETTERS && !isUnspaced(word) ? word : null;
}

/** A word cut where letters and digits meet, or a letter before it: `iphone15` may be `iPhone 15`, `galaxys24` `Galaxy S24`. */
function apart(word: string): string[] {
  const parts = word.match(/\p{N}+|\P{N}+/gu) ?? [];
  if (parts.length < 2 || isUnspaced(word)) return [];
  const [, name, model] = /^(\p{L}{2,})(\p{L}\p{N}+)$/u.exec(word) ?? [];
  const phrases = [parts.join(" "), ...(name && model ? [`${name} ${model}`] : [])];
  return phrases.map((phrase) => phraseOf(phrase, { isWhole: true }));
}

/**
 * Adds words as they were written. A product that was there before the fold has its text in the index as it was written,
 * until a minute of the schedule comes to it (fold-rows.ts): so nothing that was found before is lost meanwhile.
 */
function addUnfolded(words: Map<string, Set<string>>, text: string): void {
  for (const [written] of text.toWellFormed().matchAll(WORD)) {
    const lower = [...written.toLowerCase()].slice(0, MAX_LETTERS).join("");
    if (isAscii(lower)) continue;
    for (const { word } of spell(written)) {
      if (phraseOf(word, { isWhole: false }) !== lower) words.get(word)?.add(lower);
    }
  }
}

const isAscii = (text: string): boolean => /^\p{ASCII}*$/u.test(text);

/** Queries for FTS5. Words contain no quotes, so a quoted word is never taken for an operator. */
export interface Match {
  /** Products that have all the words; the last may be the beginning of a word. */
  all: string;
  /** Products that have at least one of them, or a piece of one that has no spaces. */
  any: string;
}

export function matchOf(words: Word[]): Match {
  const unfinished = unfinishedOf(words);
  const terms = words.map((word) => [...formsOf(word, unfinished), ...otherNumber(word.text).map(exactly)]);
  // The last word is asked for as it is too, so that an exact match scores higher than a word that only begins with it.
  const last = words.slice(-1).map(({ text }) => exactly(phraseOf(text, { isWhole: false })));
  const all = terms.map((forms, index) => anyOf(index === words.length - 1 ? [...last, ...forms] : forms));
  const pieces = words.filter(({ text }) => isUnspaced(text)).flatMap(({ text }) => piecesOf(text));
  return {
    all: inTexts(all.join(" AND ")),
    any: inTexts([...terms.flat(), ...pieces].join(" OR ")),
  };
}

/** What may be the beginning of a word: the last, and what it and others may be as one, as of a sku `AB-12-C…`. */
const unfinishedOf = (words: Word[]): Set<string> =>
  new Set(words.slice(-1).flatMap(({ text, also }) => [text, ...also]));

const formsOf = ({ text, also }: Word, unfinished: Set<string>): string[] => {
  const as = (form: string) => (unfinished.has(form) ? beginning : exactly);
  return [as(text)(phraseOf(text, { isWhole: false })), ...also.map((form) => as(form)(form))];
};

/** The pieces of a word that stand for themselves: a shopper may have put two words together that a title has apart. */
const piecesOf = (word: string): string[] => phraseOf(word, { isWhole: false }).split(" ").map(exactly);

/** The query for titles that have all the words; with `start`, for titles that begin with them. */
export function matchTitles(words: Word[], { start }: { start: boolean }): string {
  if (start) {
    const phrase = words.map(({ text }, index) => phraseOf(text, { isWhole: index < words.length - 1 }));
    return `{title} : ^ ${beginning(phrase.join(" "))}`;
  }
  const unfinished = unfinishedOf(words);
  const terms = words.map((word) => anyOf(formsOf(word, unfinished)));
  return `{title} : (${terms.join(" AND ")})`;
}

/** The columns that hold text; the fourth, `shelf`, holds the category's id. */
const inTexts = (match: string): string => `{title category description} : (${match})`;
const exactly = (phrase: string): string => `"${phrase}"`;
const beginning = (phrase: string): string => `"${phrase}" *`;
const anyOf = (forms: string[]): string => `(${forms.join(" OR ")})`;

/** The English singular of a plural, or plural of a singular. Forms that do not exist do no harm, as they find nothing. */
function otherNumber(word: string): string[] {
  if (!/^[a-z]{3,}$/.test(word)) return [];
  const less = (letters: number) => word.slice(0, -letters);
  if (/ies$/.test(word)) return [`${less(3)}y`];
  if (/ves$/.test(word)) return [`${less(3)}f`, `${less(3)}fe`, less(1)];
  if (/(?:s|x|z|ch|sh|o)es$/.test(word)) return [less(2), less(1)];
  if (/[^s]s$/.test(word)) return [less(1)];
  if (/[^aeiou]y$/.test(word)) return [`${less(1)}ies`];
  if (/f$/.test(word)) return [`${less(1)}ves`, `${word}s`];
  if (/fe$/.test(word)) return [`${less(2)}ves`, `${word}s`];
  return /(?:s|x|z|ch|sh|o)$/.test(word) ? [`${word}es`, `${word}s`] : [`${word}s`];
}
