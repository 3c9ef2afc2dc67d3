import { jsonParameter } from "../platform/d1.ts";

/**
 * What products have come to after a batch of changes: those at or below their threshold are noted, once until they are
 * above it and people were told. For the end of the batch, since in the midst of it a product may seem to have less than it
 * ever had, as while units go from one store to another. One that was never stocked has not fallen.
 * @param at milliseconds
 */
export const noteFalls = (db: D1Database, productIds: string[], at: number): D1PreparedStatement[] => {
  const named = jsonParameter(productIds);
  return [
    db
      .prepare(
        `INSERT INTO low_stock (product_id, since, told)
         SELECT s.product_id, ?2, 0
         FROM json_each(?1) AS named CROSS JOIN product_stock AS s ON s.product_id = named.value
         WHERE s.stores > 0 AND (s.state = 'low' OR s.state = 'out') ON CONFLICT (product_id) DO NOTHING`,
      )
      .bind(named, at),
    db
      .prepare(
        `DELETE FROM low_stock WHERE told = 1 AND product_id IN (
           SELECT s.product_id FROM json_each(?1) AS named CROSS JOIN product_stock AS s ON s.product_id = named.value
           WHERE s.state = 'healthy')`,
      )
      .bind(named),
  ];
};
