import type { Context } from "../../platform/context.ts";
import { all, each, eachPart, first, nothing, runBatch, type Sql, sql, trusted } from "../../platform/sql.ts";
import { foldName, foldProduct } from "./folded.ts";

/** Products of one transaction, in which nothing else is written: it takes a tenth of a second. */
const CHUNK_PRODUCTS = 100;
/** Of one minute, so a shop of 120,000 products has all of them in an hour. */
const MAX_CHUNKS = 20;
/** Categories and stores of one minute, of each. */
const MAX_NAMES = 500;

/**
 * Folds what has been written by a hand that does not fold: what was there before the migration, or came by SQL. A bounded
 * part each time; the minute calls it. It may run twice, at once, and be cut off anywhere: a row is written only while its
 * texts are still those that were folded, and of equal rows that says the same. Returns how many rows it went
 * through.
 */
export async function foldRows({ env }: Pick<Context, "env">): Promise<number> {
  // Nearly always there is nothing to do, which one statement tells.
  if ((await first(env.DB, ANY_UNFOLDED))?.yes !== 1) return 0;
  const names = (await foldNames(env.DB, "categories")) + (await foldNames(env.DB, "stores"));
  let products = 0;
  // What another writer changes meanwhile stays to be folded, so the count of tries is bounded and not that of rows.
  for (let chunk = 0; chunk < MAX_CHUNKS; chunk++) {
    const rows = await all(env.DB, UNFOLDED_PRODUCTS);
    if (rows.length === 0) break;
    const folded = rows.map((row) => ({ ...row, ...foldProduct(row), nfc: row.sku.normalize("NFC") }));
    await runBatch(env.DB, eachPart(folded).map(writeProducts));
    products += rows.length;
  }
  return names + products;
}

const ANY_UNFOLDED = sql<{
  yes: number;
}>`SELECT EXISTS (SELECT 1 FROM products INDEXED BY products_unfolded WHERE folded = 0 AND id > '')
  OR EXISTS (SELECT 1 FROM categories WHERE name_key IS NULL) OR EXISTS (SELECT 1 FROM stores WHERE name_key IS NULL) AS yes`;

interface TextRow {
  id: string;
  sku: string;
  title: string;
  description: string;
}

const UNFOLDED_PRODUCTS = sql<TextRow>`SELECT id, sku, title, description FROM products INDEXED BY products_unfolded
  WHERE folded = 0 AND id > '' ORDER BY id LIMIT ${CHUNK_PRODUCTS}`;

/** A sku that is not NFC becomes so, unless another product has that one. */
const writeProducts = (rows: Sql): Sql => sql`
  UPDATE products SET title_words = row.value ->> 'title_words', description_words = row.value ->> 'description_words',
    sku_key = row.value ->> 'sku_key', title_key = row.value ->> 'title_key', folded = 1,
    sku = iif(EXISTS (SELECT 1 FROM products AS other WHERE other.sku = row.value ->> 'nfc'), products.sku, row.value ->> 'nfc')
  FROM ${rows} AS row
  WHERE products.id = row.value ->> 'id' AND products.folded = 0 AND products.title = row.value ->> 'title'
    AND products.description = row.value ->> 'description' AND products.sku = row.value ->> 'sku'`;

/**
 * Of two names that are one for people, but were two before, the first has the key; the others get one of their own, so that
 * both may stay until staff rename one.
 */
async function foldNames(db: D1Database, table: "categories" | "stores"): Promise<number> {
  const name = trusted(table);
  const rows = await all(
    db,
    sql<{ id: string; name: string }>`
      SELECT id, name FROM ${name} WHERE name_key IS NULL LIMIT ${MAX_NAMES}`,
  );
  if (rows.length === 0) return 0;
  const folded = each(rows.map((row) => ({ ...row, ...foldName(row.name) })));
  const words = table === "categories" ? sql`, name_words = row.value ->> 'name_words'` : nothing;
  const write = (
    key: Sql,
  ) => sql`UPDATE OR IGNORE ${name} SET name_key = ${key} ${words} FROM ${folded} AS row
    WHERE ${name}.name_key IS NULL AND ${name}.id = row.value ->> 'id' AND ${name}.name = row.value ->> 'name'`;
  const key = sql`row.value ->> 'name_key'`;
  await runBatch(db, [write(key), write(sql`(${key}) || ' ' || (row.value ->> 'id')`)]);
  return rows.length;
}
