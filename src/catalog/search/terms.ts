/** More words of a query, and more letters of a word, are ignored: they would only cost time. */
const MAX_WORDS = 12;
const MAX_LETTERS = 64;

/** The characters of a word, as the index sees it: letters, marks, digits and private-use characters. */
const WORD = /[\p{L}\p{M}\p{N}\p{Co}]+/gu;

/** The distinct words of any text, in lower case. None if it has neither letters nor digits. */
export function wordsOf(text: string): string[] {
  const words = new Set<string>();
  for (const [word] of text.toWellFormed().matchAll(WORD)) {
    if (words.size === MAX_WORDS) break;
    words.add([...word.toLowerCase()].slice(0, MAX_LETTERS).join(""));
  }
  return [...words];
}

/** Queries for FTS5. Words contain no quotes, so a quoted word is never taken for an operator. */
export interface Match {
  /** Products that have all the words; the last may be the beginning of a word. */
  all: string;
  /** Products that have at least one of them. */
  any: string;
}

export function matchOf(words: string[]): Match {
  const terms = words.map((word, index) => [
    index === words.length - 1 ? beginning(word) : exactly(word),
    ...otherNumber(word).map(exactly),
  ]);
  // The last word is asked for as it is too, so that an exact match scores higher than a word that only begins with it.
  const last = words.slice(-1).map(exactly);
  const all = terms.map((forms, index) => anyOf(index === words.length - 1 ? [...last, ...forms] : forms));
  return { all: inTexts(all.join(" AND ")), any: inTexts(terms.flat().join(" OR ")) };
}

/** The query for titles that have all the words; with `start`, for titles that begin with them. */
export function matchTitles(words: string[], { start }: { start: boolean }): string {
  if (start) return `{title} : ^ ${beginning(words.join(" "))}`;
  const terms = words.map((word, index) => (index === words.length - 1 ? beginning(word) : exactly(word)));
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
