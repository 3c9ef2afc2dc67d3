import { jsonParameter, rowsOf } from "../platform/d1.ts";
import type { Condition } from "../platform/read-page.ts";

/** What begins more references or addresses than this names no order: the newest are looked through for it. */
const FEW = 500;

/** Orders whose reference or e-mail address begins with a text, where they are few; null where they are not. */
export async function findBeginning(db: D1Database, text: string): Promise<Condition | null> {
  const [reference, email] = rangesOf(text);
  const first = (column: string, range: string[]) =>
    db
      .prepare(`SELECT rowid AS place FROM orders WHERE ${column} BETWEEN ?1 AND ?2 LIMIT ${FEW + 1}`)
      .bind(...range);
  const results = await db.batch([first("reference", reference), first("customer_email", email)]);
  const places = [0, 1].flatMap((index) => rowsOf<{ place: number }>(results, index));
  if (places.length > FEW) return null;
  return {
    sql: "o.rowid IN (SELECT value FROM json_each(?))",
    parameters: [jsonParameter(places.map(({ place }) => place))],
  };
}

export const beginsWith = (text: string): Condition => ({
  sql: "(o.reference BETWEEN ? AND ? OR o.customer_email BETWEEN ? AND ?)",
  parameters: rangesOf(text).flat(),
});

/** Of references, and of addresses. A range over each index, rather than LIKE: what is typed is never a pattern. */
function rangesOf(text: string): [string[], string[]] {
  const from = (beginning: string) => [beginning, `${beginning}\u{10FFFF}`];
  return [from(text.toUpperCase()), from(text.toLowerCase())];
}
