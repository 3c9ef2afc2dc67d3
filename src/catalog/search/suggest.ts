import type { Context } from "../../platform/context.ts";
import { all, batch, constant, type Sql, sql } from "../../platform/sql.ts";
import { correct } from "./correct.ts";
import { matchTitles, wordsOf } from "./terms.ts";

const MAX_SUGGESTIONS = 10;
/** How many matching products are read at most; many may have the same title. */
const SCAN_LIMIT_ROWS = 200;

/**
 * Titles of products on sale: first those that begin with the text, then those with all its words, of which the last may
 * be unfinished. If there are none, titles with similar words.
 */
export async function suggest({ env }: Context, text: string): Promise<string[]> {
  const words = wordsOf(text);
  if (words.length === 0) return [];
  const { beginning, anywhere } = await batch(env.DB, {
    beginning: titles(matchTitles(words, { start: true }), MAX_SUGGESTIONS),
    // Twice as many, because it finds the titles of the first statement again.
    anywhere: titles(matchTitles(words, { start: false }), 2 * MAX_SUGGESTIONS),
  });
  const found = distinct([...beginning, ...anywhere]);
  if (found.length > 0) return found;
  const corrected = await correct(env.DB, words);
  if (corrected === null) return [];
  return distinct(await all(env.DB, titles(corrected, 2 * MAX_SUGGESTIONS)));
}

const titles = (match: string, most: number): Sql<{ title: string }> =>
  sql`SELECT DISTINCT title FROM (
      SELECT products.title FROM product_index
      CROSS JOIN product_documents AS documents ON documents.id = product_index.rowid
      CROSS JOIN products ON products.id = documents.product_id
      WHERE product_index MATCH ${match} LIMIT ${constant(SCAN_LIMIT_ROWS)})
    LIMIT ${constant(most)}`;

/** The first ten that differ in more than case. */
function distinct(found: { title: string }[]): string[] {
  const first = new Map<string, string>();
  for (const { title } of found) {
    const folded = title.toLowerCase();
    if (!first.has(folded)) first.set(folded, title);
  }
  return [...first.values()].slice(0, MAX_SUGGESTIONS);
}
