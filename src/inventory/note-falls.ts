import { each, type Sql, sql } from "../platform/sql.ts";

/**
 * What products have come to after a batch of changes: those at or below their threshold are noted, once until they are
 * above it and people were told. For the end of the batch, since in the midst of it a product may seem to have less than it
 * ever had, as while units go from one store to another. One that was never stocked has not fallen.
 * @param at milliseconds
 */
export function noteFalls(productIds: string[], at: number): Sql[] {
  const named = sql`${each(productIds)} AS named CROSS JOIN product_stock AS s ON s.product_id = named.value`;
  return [
    sql`INSERT INTO low_stock (product_id, since, told)
      SELECT s.product_id, ${at}, 0 FROM ${named}
      WHERE s.stores > 0 AND (s.state = 'low' OR s.state = 'out') ON CONFLICT (product_id) DO NOTHING`,
    sql`DELETE FROM low_stock WHERE told = 1 AND product_id IN (
      SELECT s.product_id FROM ${named} WHERE s.state = 'healthy')`,
  ];
}
