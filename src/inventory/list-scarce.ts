import {
  PRODUCT_CATEGORY,
  PRODUCT_COLUMNS,
  type ProductRow,
  renderProduct,
} from "../catalog/products/product.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { decodeCursor, type List, type PageQuery, pageWindow, toList } from "../platform/pagination.ts";
import type { ScarceProduct } from "./schemas.ts";

type Row = ProductRow & { on_hand: number; reserved: number; available: number };

/**
 * In the words of their index; `out` are also those that were never stocked. `low` begins after those, or where its
 * cursor says: given both, SQLite would go by the one that is nearer to the beginning.
 */
const CONDITIONS = {
  low: { from: "stock.state = 'low' AND stock.available > 0", past: "stock.state = 'low'" },
  out: {
    from: "stock.state = 'out' AND stock.available <= 0",
    past: "stock.state = 'out' AND stock.available <= 0",
  },
} as const;

/** Products on sale that are low, or out, over all stores; the scarcest first, then the oldest. One D1 batch. */
export async function listScarceProducts(
  { env }: Context,
  state: keyof typeof CONDITIONS,
  query: PageQuery,
): Promise<List<ScarceProduct>> {
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const page = env.DB.prepare(
    `SELECT ${PRODUCT_COLUMNS}, stock.on_hand, stock.reserved, stock.available
     FROM product_stock AS stock CROSS JOIN products ON products.id = stock.product_id CROSS ${PRODUCT_CATEGORY}
     WHERE ${cursor ? `${CONDITIONS[state].past} AND (stock.available, stock.product_id) > (?, ?)` : CONDITIONS[state].from}
     ORDER BY stock.available, stock.product_id LIMIT ? OFFSET ?`,
  ).bind(...(cursor ? [cursor.key, cursor.id] : []), limit, offset);
  const count = env.DB.prepare("SELECT products AS counted FROM stock_states WHERE state = ?").bind(state);

  const results = await env.DB.batch(cursor ? [page] : [page, count]);
  return toList(
    query,
    rowsOf<Row>(results, 0),
    cursor ? null : (rowsOf<{ counted: number }>(results, 1)[0]?.counted ?? 0),
    (row) => ({ key: row.available, id: row.id }),
    (row) => {
      const { on_hand, reserved, available } = row;
      return { ...renderProduct(row), stock: { on_hand, reserved, available } };
    },
  );
}
