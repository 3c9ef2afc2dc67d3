import { ORDER_STATUSES } from "../../src/orders/lifecycle.ts";
import type { Check } from "./checks.ts";

const STATUSES = ORDER_STATUSES.map((status) => `sum(${status})`).join(", ");
const COUNTS = ORDER_STATUSES.map((status) => `o.status = '${status}' AS ${status}`).join(", ");
const NONE = ORDER_STATUSES.map(() => "0").join(", ");

/** By table: what its rows should be, summed up from all orders. */
const EXPECTED = {
  order_figures: `SELECT s.span, c.at - c.at % s.ms, c.currency, ${STATUSES}, sum(sold), sum(units), sum(amount), sum(refunded)
    FROM (
      SELECT o.created_at AS at, o.currency, ${COUNTS}, o.sold_at IS o.created_at AS sold,
        iif(o.sold_at IS o.created_at, o.total_items, 0) AS units, iif(o.sold_at IS o.created_at, o.total, 0) AS amount,
        0 AS refunded FROM orders AS o
      UNION ALL SELECT at, currency, ${NONE}, sold, units, amount, refunded FROM sale_changes) AS c
    JOIN figure_spans AS s ON c.at < s.before GROUP BY 1, 2, 3`,
  product_figures: `SELECT s.span, c.at - c.at % s.ms, c.product_id, sum(c.units)
    FROM (
      SELECT o.created_at AS at, i.product_id, i.quantity AS units
      FROM orders AS o JOIN order_items AS i ON i.order_id = o.id WHERE o.sold_at = o.created_at
      UNION ALL SELECT * FROM product_changes) AS c
    JOIN product_spans AS s ON c.at < s.before GROUP BY 1, 2, 3`,
};

const TABLES = Object.entries(EXPECTED).map(([table, expected]) => ({ table, expected }));

/** Figures that are not what the orders come to. */
export const FIGURES: Check = {
  statements: TABLES.flatMap(({ table, expected }) => [
    `SELECT * FROM ${table} EXCEPT ${expected}`,
    `${expected} EXCEPT SELECT * FROM ${table}`,
  ]),
  broken: (answers) =>
    answers.flatMap((rows, index) => {
      const { table } = TABLES[Math.floor(index / 2)] ?? { table: "" };
      const fault = index % 2 === 0 ? "has" : "lacks";
      return rows.map((row) => `${table} ${fault} ${JSON.stringify(row)}`);
    }),
};
