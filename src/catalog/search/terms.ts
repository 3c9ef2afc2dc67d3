/** As many words of a query as count, and letters of a word: more only costs time. */
const MAX_WORDS = 12;
const MAX_LETTERS = 64;

/** What the index takes for a word: letters, marks, digits, and what Unicode leaves to private use. */
const WORD = /[\p{L}\p{M}\p{N}\p{Co}]+/gu;

/** The words of any text at all, in lower case, each once. None where there is neither letter nor digit. */
export function wordsOf(text: string): string[] {
  const words = new Set<string>();
  for (const [word] of text.toWellFormed().matchAll(WORD)) {
    if (words.size === MAX_WORDS) break;
    words.add([...word.toLowerCase()].slice(0, MAX_LETTERS).join(""));
  }
  return [...words];
}

/** What FTS5 is asked. Words hold no quotes, so a quoted one is always a word and never an operator. */
export interface Match {
  /** A product has all the words; the last may be the beginning of one. */
  all: string;
  /** It has one of them at least. */
  any: string;
}

export function matchOf(words: string[]): Match {
  const terms = words.map((word, index) => [
    index === words.length - 1 ? beginning(word) : exactly(word),
    ...otherNumber(word).map(exactly),
  ]);
  // What the last word is counts for more than what only begins so: it is asked for twice.
  const last = words.slice(-1).map(exactly);
  const all = terms.map((forms, index) => anyOf(index === words.length - 1 ? [...last, ...forms] : forms));
  return { all: inTexts(all.join(" AND ")), any: inTexts(terms.flat().join(" OR ")) };
}

/** Titles that have all the words; with `start`, that begin with them. */
export function matchTitles(words: string[], { start }: { start: boolean }): string {
  if (start) return `{title} : ^ ${beginning(words.join(" "))}`;
  const terms = words.map((word, index) => (index === words.length - 1 ? beginning(word) : exactly(word)));
  return `{title} : (${terms.join(" AND ")})`;
}

/** Nobody types what a shelf is called. */
const inTexts = (match: string): string => `{title category description} : (${match})`;
const exactly = (phrase: string): string => `"${phrase}"`;
const beginning = (phrase: string): string => `"${phrase}" *`;
const anyOf = (forms: string[]): string => `(${forms.join(" OR ")})`;

/** One of it for many, and many for one, as English has them; forms that are no words find nothing and do no harm. */
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
