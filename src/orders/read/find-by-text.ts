import { allOf, batch, constant, each, joined, type Sql, sql, trusted } from "../../platform/sql.ts";
import { readEmail } from "../../platform/text/email.ts";
import { fold } from "../../platform/text/fold.ts";
import { referencesOf } from "../reference.ts";
import { backwards, nameWords, phoneDigits } from "../words.ts";

/**
 * What staff type to find an order, as whatever it may be: a reference, an id, an address, words of a name, a number. Each
 * by how it begins, a number by how it ends. Ranges of indexes and no LIKE, since what is typed is never a pattern.
 */
interface Meaning {
  /** Ranges that each have all orders that are meant, and others too: `FROM … WHERE …`, with the orders as `o`. */
  ranges: Sql[];
  /** Whether an order `o` is meant. */
  holds: Sql;
  /** Of a name of several words: the word to go along where each is a word of many. */
  longest?: string;
}

/** A text that means more orders than this is too short for an index: the newest orders are searched. */
const FEW = 500;
/** How many orders with one word of a name are gone through for those that have the others too. */
const MAX_WALK = 10_000;

/** Whether an order `o` is one that a text means. */
export const isMeant = (text: string): Sql => anyOf(meaningsOf(text));

/** Orders that a text means, where they are few, as a condition on `o`; null where they are not. */
export async function findByText(db: D1Database, text: string): Promise<Sql | null> {
  const meanings = meaningsOf(text);
  const ranges = meanings.flatMap((meaning, of) => meaning.ranges.map((range) => ({ of, range })));
  if (ranges.length === 0) return trusted("false");
  const found = await batch(db, Object.fromEntries(ranges.map(({ range }, at) => [at, placesIn(range)])));
  const places: number[] = [];
  for (const [of, meaning] of meanings.entries()) {
    const lists = ranges.flatMap((range, at) => (range.of === of ? [found[at] ?? []] : []));
    const shortest = lists.toSorted((one, other) => one.length - other.length)[0] ?? [];
    const few = shortest.length <= FEW ? shortest : await walk(db, meaning);
    if (few === null) return null;
    places.push(...few.map(({ place }) => place));
  }
  return sql`o.rowid IN (SELECT value FROM ${each(places)}) AND ${anyOf(meanings)}`;
}

interface Place {
  place: number;
}

const placesIn = (range: Sql): Sql<Place> =>
  sql<Place>`SELECT o.rowid AS place ${range} LIMIT ${constant(FEW + 1)}`;

/** Those of a name's longest word that have its other words too; null where they, or the word, are too many. */
async function walk(db: D1Database, { longest, holds }: Meaning): Promise<Place[] | null> {
  if (longest === undefined) return null;
  const along = sql`SELECT order_id FROM order_words WHERE word ${beginsWith(longest)} LIMIT ${constant(MAX_WALK + 1)}`;
  const { counts, places } = await batch(db, {
    counts: sql<{ counted: number }>`SELECT count(*) AS counted FROM (${along})`,
    places: placesIn(sql`FROM (${along}) AS w CROSS JOIN orders AS o ON o.id = w.order_id WHERE ${holds}`),
  });
  return (counts[0]?.counted ?? 0) > MAX_WALK || places.length > FEW ? null : places;
}

function meaningsOf(text: string): Meaning[] {
  const typed = text.trim();
  const inOne = typed.replaceAll(/\s/g, "");
  if (/^ord_/i.test(inOne)) return [byColumn(sql`o.id ${beginsWith(inOne.toLowerCase())}`)];
  if (inOne.includes("@")) return [byEmail(inOne)];
  return [
    ...byReference(typed),
    ...(inOne === typed ? [byEmail(typed)] : []),
    ...byPhone(typed),
    ...byName(typed),
  ];
}

const byColumn = (holds: Sql): Meaning => ({ ranges: [sql`FROM orders AS o WHERE ${holds}`], holds });

function byEmail(typed: string): Meaning {
  const read = readEmail(typed);
  return byColumn(
    sql`o.customer_email ${beginsWith((read.kind === "email" ? read.email : typed).toLowerCase())}`,
  );
}

const byReference = (typed: string): Meaning[] =>
  referencesOf(typed).map((reference) => byColumn(sql`o.reference ${beginsWith(reference)}`));

/** Fewer digits than this are no number. */
const MIN_DIGITS = 4;
/** So many digits at the end decide along the index; how it begins is looked at then, since either may lack its country. */
const INDEXED_DIGITS = 7;

/**
 * A number ends as one that is kept, or one that is kept without its country ends as it: each without the zeros that stand
 * for a country that is left out. Those of the last digits alone are digits like others.
 */
function byPhone(typed: string): Meaning[] {
  const all = phoneDigits(typed);
  const digits = all.length > INDEXED_DIGITS ? all.replace(/^0+/, "") : all;
  if (!/^[+\d\s()./\p{Pd}]+$/u.test(fold(typed)) || digits.length < MIN_DIGITS) return [];
  const last = backwards(digits);
  const indexed = `+${last.slice(0, INDEXED_DIGITS)}`;
  const kept = trusted("substr(o.customer_words, instr(o.customer_words, '+') + 1)");
  return [
    {
      ranges: [ordersWith(indexed)],
      holds: sql`(instr(o.customer_words, ${indexed}) > 0 AND (instr(${kept}, ${last}) = 1 OR instr(${last}, rtrim(${kept}, '0')) = 1))`,
    },
  ];
}

function byName(typed: string): Meaning[] {
  const words = nameWords(typed);
  if (!/\p{L}/u.test(words.join(""))) return [];
  const holds = allOf(words.map((word) => sql`instr(' ' || o.customer_words, ${` ${word}`}) > 0`));
  const longest = words.toSorted((one, other) => other.length - one.length)[0] ?? "";
  return [
    { ranges: words.map(ordersWith), holds: sql`(${holds})`, ...(words.length > 1 ? { longest } : {}) },
  ];
}

const ordersWith = (beginning: string): Sql =>
  sql`FROM order_words AS w CROSS JOIN orders AS o ON o.id = w.order_id WHERE w.word ${beginsWith(beginning)}`;

const beginsWith = (text: string): Sql => sql`BETWEEN ${text} AND ${`${text}\u{10FFFF}`}`;

const anyOf = (meanings: Meaning[]): Sql =>
  meanings.length === 0
    ? trusted("false")
    : sql`(${joined(
        meanings.map(({ holds }) => holds),
        " OR ",
      )})`;
