import { batch, constant, each, type Sql, sql } from "../../platform/sql.ts";
import { wordsOf } from "./terms.ts";

/** Shorter words have too few trigrams to be known by what is left of them. */
const SHORTEST = 4;
const LONGEST = 40;
/** So many words of a query are corrected, each from so many that share the most trigrams with it, to so many. */
const CORRECTED = 4;
const LIKELY = 50;
const MEANT = 5;
/** From so many letters on two slips are forgiven, before that one. */
const LONG_WORD = 8;

/**
 * What FTS5 is asked for titles with words that are nearly these; null where no word of a title is near any of them.
 * Misspelt words are looked for among the words of titles, which a shop has far fewer of than titles.
 */
export async function correct(db: D1Database, words: string[]): Promise<string | null> {
  const unsure = words.filter(isCorrectable).slice(0, CORRECTED);
  if (unsure.length === 0) return null;
  const found = await batch(db, Object.fromEntries(unsure.map((word) => [word, likely(word)])));
  const meant = new Map(
    unsure.map((word) => {
      const candidates = (found[word] ?? []).map((row) => row.word);
      return [word, nearest(word, candidates, word === words.at(-1))];
    }),
  );
  if ([...meant.values()].every((found) => found.length === 0)) return null;
  const terms = words.map((word, index) => {
    const forms = [`"${word}"${index === words.length - 1 ? " *" : ""}`];
    return `(${[...forms, ...(meant.get(word) ?? []).map((found) => `"${found}"`)].join(" OR ")})`;
  });
  return `{title} : (${terms.join(" AND ")})`;
}

const isCorrectable = (word: string): boolean =>
  word.length >= SHORTEST && word.length <= LONGEST && !/\p{N}/u.test(word);

/**
 * Words of titles that share the most trigrams with a word. Of those that are known some may be of no title any more, as
 * a misspelt one that was put right: what was typed is likely to be just that.
 */
const likely = (word: string): Sql<{ word: string }> =>
  sql`SELECT title_words.word FROM (
      SELECT title_word_index.rowid AS id, count(*) AS shared
      FROM ${each(trigramsOf(word))} AS trigram CROSS JOIN title_word_index
      WHERE title_word_index MATCH trigram.value
      GROUP BY title_word_index.rowid ORDER BY shared DESC, id LIMIT ${constant(LIKELY)}) AS near
    CROSS JOIN title_words ON title_words.id = near.id
    WHERE EXISTS (SELECT 1 FROM product_index
      WHERE product_index MATCH '{title} : "' || replace(title_words.word, '"', '""') || '"')
    ORDER BY near.shared DESC, near.id`;

/** As the index has them: with a space before and after the word, without marks. */
function trigramsOf(word: string): string[] {
  const letters = [..." ", ...fold(word), " "];
  const trigrams = letters.slice(2).map((_, index) => `"${letters.slice(index, index + 3).join("")}"`);
  return [...new Set(trigrams)];
}

const fold = (word: string): string => word.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();

/** The candidates with the fewest slips between, as phrases: one may be two words to the index, such as `chef's`. */
function nearest(word: string, candidates: string[], unfinished: boolean): string[] {
  const typed = [...fold(word)];
  const allowed = typed.length >= LONG_WORD ? 2 : 1;
  const near = candidates
    .map((candidate) => ({
      phrase: wordsOf(candidate).join(" "),
      slips: slipsBetween(typed, [...fold(candidate)], unfinished),
    }))
    .filter(({ phrase, slips }) => phrase !== "" && slips <= allowed);
  const fewest = Math.min(...near.map(({ slips }) => slips));
  const phrases = near.filter(({ slips }) => slips === fewest).map(({ phrase }) => phrase);
  return [...new Set(phrases)].slice(0, MEANT);
}

/**
 * Letters left out, put in, mistaken, or two that changed places: the optimal string alignment distance.
 * @param unfinished what was typed may be the beginning of the word
 */
function slipsBetween(typed: string[], word: string[], unfinished: boolean): number {
  let earlier: number[] = [];
  let above = Array.from({ length: word.length + 1 }, (_, column) => column);
  for (const [row, letter] of typed.entries()) {
    const line = [row + 1];
    for (const [column, other] of word.entries()) {
      const at = (distances: number[], index: number) => distances[index] ?? Number.POSITIVE_INFINITY;
      let slips = Math.min(
        at(above, column) + (letter === other ? 0 : 1),
        at(above, column + 1) + 1,
        at(line, column) + 1,
      );
      if (row > 0 && column > 0 && letter === word[column - 1] && typed[row - 1] === other) {
        slips = Math.min(slips, at(earlier, column - 1) + 1);
      }
      line.push(slips);
    }
    earlier = above;
    above = line;
  }
  return unfinished ? Math.min(...above) : (above.at(-1) ?? typed.length);
}
