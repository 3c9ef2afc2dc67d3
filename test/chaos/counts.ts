import type { Check } from "./checks.ts";

interface Count {
  what: string;
  counted: string;
  found: string;
}

/** What D1 counts of the projection, against what the levels add up to at that moment. */
export const COUNTS: Check = {
  statements: [
    `SELECT 'product ' || p.id AS what,
       json_array(s.on_hand, s.reserved, s.available, s.stores) AS counted,
       json_array(coalesce(sum(l.on_hand), 0), coalesce(sum(l.reserved), 0), coalesce(sum(l.available), 0),
         count(l.store_id)) AS found
     FROM products AS p LEFT JOIN product_stock AS s ON s.product_id = p.id
     LEFT JOIN stock_levels AS l ON l.product_id = p.id GROUP BY p.id
     UNION ALL
     SELECT 'store ' || l.store_id, json_array(s.levels, s.products, s.units, s.available, s.low_stock, s.out_of_stock),
       json_array(count(*), sum(p.active), sum(p.active * l.on_hand), sum(p.active * l.available),
         sum(p.active AND l.available BETWEEN 1 AND p.low_stock_threshold), sum(p.active AND l.available = 0))
     FROM stock_levels AS l JOIN products AS p ON p.id = l.product_id
     LEFT JOIN store_stock AS s ON s.store_id = l.store_id GROUP BY l.store_id
     UNION ALL
     SELECT 'state ' || s.state, json_array(t.products), json_array(count(*))
     FROM product_stock AS s LEFT JOIN stock_states AS t ON t.state = s.state GROUP BY s.state`,
  ],
  broken: ([counts = []]) =>
    (counts as Count[])
      .filter(({ counted, found }) => counted !== found)
      .map(({ what, counted, found }) => `${what}: counted ${counted}, found ${found}`),
};
