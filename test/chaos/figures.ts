import { env } from "cloudflare:workers";
import { ORDER_STATUSES } from "../../src/orders/lifecycle.ts";

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

/** Figures that are not what the orders come to, in words. In one transaction: orders may go on beside it. */
export async function brokenFigures(): Promise<string[]> {
  const tables = Object.entries(EXPECTED).map(([table, expected]) => ({ table, expected }));
  const results = await env.DB.batch(
    tables.flatMap(({ table, expected }) => [
      env.DB.prepare(`SELECT * FROM ${table} EXCEPT ${expected}`),
      env.DB.prepare(`${expected} EXCEPT SELECT * FROM ${table}`),
    ]),
  );
  return results.flatMap(({ results: rows }, index) => {
    const { table } = tables[Math.floor(index / 2)] ?? { table: "" };
    const fault = index % 2 === 0 ? "has" : "lacks";
    return rows.map((row) => `${table} ${fault} ${JSON.stringify(row)}`);
  });
}
