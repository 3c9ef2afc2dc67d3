import type { Context } from "../../platform/context.ts";
import { all, batch, constant, type Sql, sql } from "../../platform/sql.ts";
import { correct } from "./correct.ts";
import { matchTitles, wordsOf } from "./terms.ts";

const MOST = 10;
/** Products that one pass looks at, where many have the same title. */
const LOOKED_AT = 200;

/**
 * Titles of what is on sale: first those that begin with the text, then those in which its words are, the last perhaps
 * unfinished. Where there is neither, those with words that are nearly so.
 */
export async function suggest({ env }: Context, text: string): Promise<string[]> {
  const words = wordsOf(text);
  if (words.length === 0) return [];
  const { beginning, anywhere } = await batch(env.DB, {
    beginning: titles(matchTitles(words, { start: true }), MOST),
    // Those of the first pass are among them.
    anywhere: titles(matchTitles(words, { start: false }), 2 * MOST),
  });
  const found = distinct([...beginning, ...anywhere]);
  if (found.length > 0) return found;
  const meant = await correct(env.DB, words);
  if (meant === null) return [];
  return distinct(await all(env.DB, titles(meant, 2 * MOST)));
}

const titles = (match: string, most: number): Sql<{ title: string }> =>
  sql`SELECT DISTINCT title FROM (
      SELECT products.title FROM product_index
      CROSS JOIN product_documents AS documents ON documents.id = product_index.rowid
      CROSS JOIN products ON products.id = documents.product_id
      WHERE product_index MATCH ${match} LIMIT ${constant(LOOKED_AT)})
    LIMIT ${constant(most)}`;

/** The first ten that differ in more than case. */
function distinct(found: { title: string }[]): string[] {
  const first = new Map<string, string>();
  for (const { title } of found) {
    const folded = title.toLowerCase();
    if (!first.has(folded)) first.set(folded, title);
  }
  return [...first.values()].slice(0, MOST);
}
