import { type Sql, sql } from "../platform/sql.ts";

/**
 * What stands over the projection: states and titles of its levels, and what is counted of them. Triggers (see the
 * migration stock_triggers) keep all of it true row by row; these statements make it anew, for one D1 batch.
 */
export const recountStock = (): Sql[] => [
  sql`DELETE FROM product_stock`,
  sql`DELETE FROM store_stock`,
  sql`UPDATE stock_levels SET
       state = coalesce((SELECT ${stateOf(sql`stock_levels.available`)} FROM products AS p
                         WHERE p.id = stock_levels.product_id), 'archived'),
       sort_title = (SELECT lower(p.title) FROM products AS p WHERE p.id = stock_levels.product_id AND p.active = 1)`,
  sql`INSERT INTO product_stock (product_id, on_hand, reserved, available, stores, state, updated_at)
     SELECT p.id, coalesce(sum(l.on_hand), 0), coalesce(sum(l.reserved), 0), coalesce(sum(l.available), 0),
       count(l.store_id), ${stateOf(sql`coalesce(sum(l.available), 0)`)}, coalesce(max(l.updated_at), p.created_at)
     FROM products AS p LEFT JOIN stock_levels AS l ON l.product_id = p.id GROUP BY p.id`,
  sql`INSERT INTO store_stock (store_id, levels, products, units, available, low_stock, out_of_stock)
     SELECT store_id, count(*), sum(state <> 'archived'), sum(on_hand * (state <> 'archived')),
       sum(available * (state <> 'archived')), sum(state = 'low'), sum(state = 'out')
     FROM stock_levels GROUP BY store_id`,
  sql`DELETE FROM stock_states`,
  sql`INSERT INTO stock_states (state, products) SELECT state, count(*) FROM product_stock GROUP BY state`,
];

/**
 * The projection as it begins: nothing is known of any stock. What people were told of is not forgotten. The counts go
 * first, so that nothing has to be subtracted from them level by level.
 */
export const projectionEmptied = (): Sql[] => [
  sql`DELETE FROM product_stock`,
  sql`DELETE FROM store_stock`,
  sql`DELETE FROM stock_levels`,
  ...recountStock(),
];

function stateOf(available: Sql): Sql {
  return sql`CASE WHEN p.active = 0 THEN 'archived' WHEN ${available} <= 0 THEN 'out'
    WHEN ${available} <= p.low_stock_threshold THEN 'low' ELSE 'healthy' END`;
}
