import { batch, constant, each, type Sql, sql } from "../platform/sql.ts";

/** What begins more references or addresses than this names no order: the newest are looked through for it. */
const FEW = 500;

/** Orders whose reference or e-mail address begins with a text, where they are few; null where they are not. */
export async function findBeginning(db: D1Database, text: string): Promise<Sql | null> {
  const { reference, email } = rangesOf(text);
  const placesIn = (range: Sql) =>
    sql<{ place: number }>`SELECT rowid AS place FROM orders AS o WHERE ${range} LIMIT ${constant(FEW + 1)}`;
  const found = await batch(db, { byReference: placesIn(reference), byEmail: placesIn(email) });
  const places = [...found.byReference, ...found.byEmail];
  if (places.length > FEW) return null;
  return sql`o.rowid IN (SELECT value FROM ${each(places.map(({ place }) => place))})`;
}

export function beginsWith(text: string): Sql {
  const { reference, email } = rangesOf(text);
  return sql`(${reference} OR ${email})`;
}

/** Of an order `o`. A range over each index, rather than LIKE: what is typed is never a pattern. */
function rangesOf(text: string): { reference: Sql; email: Sql } {
  const from = (beginning: string) => sql`BETWEEN ${beginning} AND ${`${beginning}\u{10FFFF}`}`;
  return {
    reference: sql`o.reference ${from(text.toUpperCase())}`,
    email: sql`o.customer_email ${from(text.toLowerCase())}`,
  };
}
