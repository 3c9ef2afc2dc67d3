import {
  PRODUCT_CATEGORY,
  PRODUCT_COLUMNS,
  type ProductRow,
  renderProduct,
} from "../../catalog/products/product.ts";
import type { Context } from "../../platform/context.ts";
import { decodeCursor, type List, type PageQuery, pageWindow, toList } from "../../platform/pagination.ts";
import { batch, sql } from "../../platform/sql.ts";
import type { ScarceProduct } from "../schemas.ts";

type Row = ProductRow & { on_hand: number; reserved: number; available: number };

/**
 * Repeats the condition of the index, or SQLite would not use it. `out` includes products that were never stocked. `low`
 * starts after them, or at its cursor. The statement gets either
 * that start or the cursor, since of two conditions SQLite would take the earlier one to start from.
 */
const CONDITIONS = {
  low: { from: sql`stock.state = 'low' AND stock.available > 0`, past: sql`stock.state = 'low'` },
  out: {
    from: sql`stock.state = 'out' AND stock.available <= 0`,
    past: sql`stock.state = 'out' AND stock.available <= 0`,
  },
} as const;

/** Products on sale that are low, or out, over all stores: the scarcest first, then the oldest. One D1 batch. */
export async function listScarceProducts(
  { env }: Context,
  state: keyof typeof CONDITIONS,
  query: PageQuery,
): Promise<List<ScarceProduct>> {
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const condition = cursor
    ? sql`${CONDITIONS[state].past} AND (stock.available, stock.product_id) > (${cursor.key}, ${cursor.id})`
    : CONDITIONS[state].from;
  const { page, counts } = await batch(env.DB, {
    page: sql<Row>`SELECT ${PRODUCT_COLUMNS}, stock.on_hand, stock.reserved, stock.available
      FROM product_stock AS stock CROSS JOIN products ON products.id = stock.product_id CROSS ${PRODUCT_CATEGORY}
      WHERE ${condition}
      ORDER BY stock.available, stock.product_id LIMIT ${limit} OFFSET ${offset}`,
    counts: cursor
      ? undefined
      : sql<{ counted: number }>`SELECT products AS counted FROM stock_states WHERE state = ${state}`,
  });
  return toList(
    query,
    page,
    cursor ? null : (counts[0]?.counted ?? 0),
    (row) => ({ key: row.available, id: row.id }),
    (row) => {
      const { on_hand, reserved, available } = row;
      return { ...renderProduct(row), stock: { on_hand, reserved, available } };
    },
  );
}
