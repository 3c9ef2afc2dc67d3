import { batch, constant, each, type Sql, sql } from "../../platform/sql.ts";
import { fold } from "../../platform/text/fold.ts";
import { isUnspaced, phraseOf, spell } from "./spelling.ts";
import type { Word } from "./terms.ts";

/** With one letter wrong, a shorter word shares too few trigrams with the right one. */
const MIN_LETTERS = 4;
const MAX_LETTERS = 40;
/** How many words of a query are corrected. */
const MAX_CORRECTED_WORDS = 4;
/** How many words of titles are compared with a misspelt word: those that share the most trigrams with it. */
const MAX_CANDIDATES = 50;
/** How many corrections of one word are searched for. */
const MAX_CORRECTIONS = 5;
/** A word of at least this length may differ by two edits, a shorter one by one. */
const LONG_WORD_LETTERS = 8;

/**
 * The FTS5 query for titles with words similar to these; null where no word of a title is similar to any of them.
 * Corrections come from the distinct words of titles, because there are far fewer of them than titles.
 */
export async function correct(db: D1Database, asked: Word[]): Promise<string | null> {
  const words = asked.map(({ text }) => text);
  const misspelt = words.filter(isCorrectable).slice(0, MAX_CORRECTED_WORDS);
  if (misspelt.length === 0) return null;
  const found = await batch(db, Object.fromEntries(misspelt.map((word) => [word, candidatesFor(word)])));
  const corrections = new Map(
    misspelt.map((word) => {
      const candidates = (found[word] ?? []).map((row) => row.word);
      return [word, nearest(word, candidates, word === words.at(-1))];
    }),
  );
  if ([...corrections.values()].every((found) => found.length === 0)) return null;
  const terms = words.map((word, index) => {
    const phrase = phraseOf(word, { isWhole: false });
    const forms = [`"${phrase}"${index === words.length - 1 ? " *" : ""}`];
    return `(${[...forms, ...(corrections.get(word) ?? []).map((found) => `"${found}"`)].join(" OR ")})`;
  });
  return `{title} : (${terms.join(" AND ")})`;
}

/** Not what has no spaces: any part of it is found as it is. */
const isCorrectable = (word: string): boolean =>
  word.length >= MIN_LETTERS && word.length <= MAX_LETTERS && !/\p{N}/u.test(word) && !isUnspaced(word);

/**
 * The words of titles that share the most trigrams with a word. `title_words` also keeps words that no title has any more,
 * such as a spelling mistake that staff have corrected. A customer may make that very mistake, so they are left out.
 */
const candidatesFor = (word: string): Sql<{ word: string }> =>
  sql`SELECT title_words.word FROM (
      SELECT title_word_index.rowid AS id, count(*) AS shared
      FROM ${each(trigramsOf(word))} AS trigram CROSS JOIN title_word_index
      WHERE title_word_index MATCH trigram.value
      GROUP BY title_word_index.rowid ORDER BY shared DESC, id LIMIT ${constant(MAX_CANDIDATES)}) AS near
    CROSS JOIN title_words ON title_words.id = near.id
    WHERE EXISTS (SELECT 1 FROM product_index
      WHERE product_index MATCH '{title} : "' || replace(title_words.word, '"', '""') || '"')
    ORDER BY near.shared DESC, near.id`;

/** The trigrams of a word as the index makes them: with a space before and after the word, and without diacritics. */
function trigramsOf(word: string): string[] {
  const letters = [..." ", ...phraseOf(word, { isWhole: true }), " "];
  const trigrams = letters.slice(2).map((_, index) => `"${letters.slice(index, index + 3).join("")}"`);
  return [...new Set(trigrams)];
}

/** The candidates with the fewest edits, as phrases, because the index may take one (`chef's`) for two words. */
function nearest(word: string, candidates: string[], unfinished: boolean): string[] {
  const typed = [...phraseOf(word, { isWhole: true })];
  const allowed = typed.length >= LONG_WORD_LETTERS ? 2 : 1;
  const near = candidates
    .map((candidate) => ({
      phrase: spell(candidate)
        .map((part) => phraseOf(part.word, { isWhole: true }))
        .join(" "),
      edits: editDistance(typed, [...fold(candidate)], unfinished),
    }))
    .filter(({ phrase, edits }) => phrase !== "" && edits <= allowed);
  const fewest = Math.min(...near.map(({ edits }) => edits));
  const phrases = near.filter(({ edits }) => edits === fewest).map(({ phrase }) => phrase);
  return [...new Set(phrases)].slice(0, MAX_CORRECTIONS);
}

/**
 * The optimal string alignment distance: an edit is a letter missing, added or wrong, or two neighbours swapped.
 * @param unfinished whether the typed text may be only the beginning of the word
 */
function editDistance(typed: string[], word: string[], unfinished: boolean): number {
  let earlier: number[] = [];
  let above = Array.from({ length: word.length + 1 }, (_, column) => column);
  for (const [row, letter] of typed.entries()) {
    const line = [row + 1];
    for (const [column, other] of word.entries()) {
      const at = (distances: number[], index: number) => distances[index] ?? Number.POSITIVE_INFINITY;
      let edits = Math.min(
        at(above, column) + (letter === other ? 0 : 1),
        at(above, column + 1) + 1,
        at(line, column) + 1,
      );
      if (row > 0 && column > 0 && letter === word[column - 1] && typed[row - 1] === other) {
        edits = Math.min(edits, at(earlier, column - 1) + 1);
      }
      line.push(edits);
    }
    earlier = above;
    above = line;
  }
  return unfinished ? Math.min(...above) : (above.at(-1) ?? typed.length);
}
