import { batch, each, type Sql, sql } from "../platform/sql.ts";
import type { StockCommands } from "./stock-types.ts";

/** The Stock object of one product. Each call makes a new stub, because a stub that met a failure cannot be used again. */
export function stockOf(env: Cloudflare.Env, productId: string): StockCommands {
  return env.STOCK.get(env.STOCK.idFromName(productId)) as unknown as StockCommands;
}

/** Which of the things that a request names exist. To be asked before a Stock object is, so that no object is made for
 * a product that does not exist. @param also a statement for the same batch */
export async function findNames(
  db: D1Database,
  productId: string,
  storeIds: string[] = [],
  also?: Sql,
): Promise<{ product: boolean; stores: Set<string> }> {
  const { names } = await batch(db, {
    names: sql<{ product: number; stores: string }>`
      SELECT EXISTS (SELECT 1 FROM products WHERE id = ${productId}) AS product,
        (SELECT json_group_array(id) FROM stores WHERE id IN (SELECT value FROM ${each(storeIds)})) AS stores`,
    also,
  });
  const [row] = names;
  if (!row) throw new Error("a query that always has a row had none");
  return { product: row.product === 1, stores: new Set(JSON.parse(row.stores) as string[]) };
}
