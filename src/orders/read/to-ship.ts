import { each, type Sql, sql } from "../../platform/sql.ts";
import { SHIPPABLE } from "../lifecycle.ts";

/**
 * Whether something of an order `o` is left to ship that was not refunded: in SQL what `withheldUnits` says of one order
 * (fulfilment/withheld.ts). Units of one product are alike, so of those that were refunded by name the first are gone.
 * @param storeId only what is left there; undefined for anywhere
 */
export function isToShip(storeId: string | undefined): Sql {
  const there = storeId === undefined ? sql`true` : sql`a.value ->> 'store_id' = ${storeId}`;
  return sql`(o.status IN (SELECT value FROM ${each(SHIPPABLE)})
    AND (SELECT sum(p.captured) > 0 AND sum(p.refunded) >= sum(p.captured) FROM payments AS p
      WHERE p.order_id = o.id AND p.status <> 'given_back') IS NOT 1
    AND EXISTS (SELECT 1 FROM order_items AS i WHERE i.order_id = o.id
      AND EXISTS (SELECT 1 FROM json_each(i.allocations) AS a
        WHERE ${there} AND a.value ->> 'quantity' > a.value ->> 'shipped')
      AND (SELECT coalesce(sum((a.value ->> 'quantity') - (a.value ->> 'shipped')), 0) FROM json_each(i.allocations) AS a)
        > ${NAMED} - ${RETURNED}
          - (i.quantity - (SELECT coalesce(sum(a.value ->> 'quantity'), 0) FROM json_each(i.allocations) AS a))))`;
}

const unitsIn = (table: Sql): Sql => sql`(
  SELECT coalesce(sum(l.value ->> 'quantity'), 0) FROM ${table}, json_each(t.items) AS l
  WHERE t.order_id = o.id AND l.value ->> 'product_id' = i.product_id`;

const NAMED = sql`${unitsIn(sql`refunds AS t`)} AND t.state <> 'failed')`;
const RETURNED = sql`${unitsIn(sql`returns AS t`)})`;
