import { ORDER_STATUSES } from "../../src/orders/lifecycle.ts";
import type { Check } from "./checks.ts";

const STATUSES = ORDER_STATUSES.map((status) => `sum(o.status = '${status}')`).join(", ");

/** By table: what its rows should be, summed up from all orders. */
const EXPECTED = {
  order_figures: `SELECT s.span, o.created_at - o.created_at % s.ms, ${STATUSES}
    FROM orders AS o JOIN figure_spans AS s ON o.created_at < s.before GROUP BY 1, 2`,
  sale_figures: `SELECT s.span, c.at - c.at % s.ms, c.currency, sum(c.orders), sum(c.units), sum(c.amount), sum(c.refunded)
    FROM sale_changes AS c JOIN figure_spans AS s ON c.at < s.before GROUP BY 1, 2, 3`,
  product_figures: `SELECT s.span, c.at - c.at % s.ms, c.product_id, sum(c.units)
    FROM product_changes AS c JOIN product_spans AS s ON c.at < s.before GROUP BY 1, 2, 3`,
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
