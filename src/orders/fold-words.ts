import type { Context } from "../platform/context.ts";
import { all, constant, each, run, sql } from "../platform/sql.ts";
import { customerWords } from "./words.ts";

/** Orders of one statement, each with three words or so to write: a tenth of a second. */
const CHUNK_ORDERS = 500;
/** Of one minute, so a shop of 300,000 orders has all of them in an hour. */
const MAX_CHUNKS = 10;

/**
 * Writes what customers are found by where nobody has: orders from before, and what came by SQL. A bounded part each time, the
 * newest first, since these are asked for; the minute calls it. It may run twice, at once, and be cut off anywhere: words are
 * written only beside the customer that they were made of, and of equal customers they are equal. Returns how many it
 * went through.
 */
export async function foldWords({ env }: Pick<Context, "env">): Promise<number> {
  let folded = 0;
  // What another writer changes meanwhile stays to be folded, so the count of tries is bounded and not that of rows.
  for (let chunk = 0; chunk < MAX_CHUNKS; chunk++) {
    const rows = await all(env.DB, UNWORDED);
    if (rows.length === 0) break;
    const worded = rows.map(({ id, customer, name, phone }) => ({
      ...{ id, customer },
      words: customerWords({ name: name ?? "", phone: phone ?? undefined }),
    }));
    await run(
      env.DB,
      sql`UPDATE orders SET customer_words = row.value ->> 'words' FROM ${each(worded)} AS row
        WHERE orders.id = row.value ->> 'id' AND orders.customer = row.value ->> 'customer' AND orders.customer_words IS NULL`,
    );
    folded += rows.length;
    if (rows.length < CHUNK_ORDERS) break;
  }
  return folded;
}

interface Unworded {
  id: string;
  customer: string;
  name: string | null;
  phone: string | null;
}

const UNWORDED = sql<Unworded>`
  SELECT id, customer, iif(json_valid(customer), customer ->> 'name', NULL) AS name,
    iif(json_valid(customer), customer ->> 'phone', NULL) AS phone
  FROM orders INDEXED BY orders_unworded WHERE customer_words IS NULL ORDER BY id DESC LIMIT ${constant(CHUNK_ORDERS)}`;
