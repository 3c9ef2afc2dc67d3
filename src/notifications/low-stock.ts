import type { Context } from "../platform/context.ts";
import { all, each, sql } from "../platform/sql.ts";
import type { Notice } from "./mail.ts";

/** The payload of a notice about low stock. */
export interface LowStock {
  /** How many products became low. */
  products: number;
  /** Those that the notice names, in its order. */
  product_ids: string[];
}

interface Row {
  title: string;
  sku: string;
  available: number;
  threshold: number;
  state: "healthy" | "low" | "out" | "archived";
}

export const lowStockSubject = (products: number): string =>
  `${products === 1 ? "1 product is" : `${products} products are`} low on stock`;

/** Writes the notice with the current stock. Of a product that is no longer low it says that it had been low. */
export async function composeLowStock(
  { env }: Context,
  { products, product_ids }: LowStock,
): Promise<Notice> {
  const rows = await all(
    env.DB,
    sql<Row>`
      SELECT p.title, p.sku, s.available, p.low_stock_threshold AS threshold, s.state
      FROM ${each(product_ids)} AS named CROSS JOIN products AS p ON p.id = named.value
      CROSS JOIN product_stock AS s ON s.product_id = p.id
      ORDER BY named.key`,
  );
  const unnamed = products - product_ids.length;
  return {
    subject: lowStockSubject(products),
    lines: [...rows.map(lineOf), ...(unnamed > 0 ? [`and ${unnamed} more`] : [])],
  };
}

function lineOf({ title, sku, available, threshold, state }: Row): string {
  const line = `${title} (${sku}): ${available} available, threshold ${threshold}`;
  return state === "low" || state === "out" ? line : `${line}; it had been low`;
}
