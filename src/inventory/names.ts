import { each, first, sql } from "../platform/sql.ts";

/** Which of the things that a request names exist. Asked before any Stock object is: naming one must not make it. */
export async function findNames(
  db: D1Database,
  productId: string,
  storeIds: string[] = [],
): Promise<{ product: boolean; stores: Set<string> }> {
  const row = await first(
    db,
    sql<{ product: number; stores: string }>`
      SELECT EXISTS (SELECT 1 FROM products WHERE id = ${productId}) AS product,
        (SELECT json_group_array(id) FROM stores WHERE id IN (SELECT value FROM ${each(storeIds)})) AS stores`,
  );
  if (!row) throw new Error("a query that always has a row had none");
  return { product: row.product === 1, stores: new Set(JSON.parse(row.stores) as string[]) };
}
