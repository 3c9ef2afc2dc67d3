import type { Context } from "../platform/context.ts";
import { type List, type PageQuery, toList } from "../platform/pagination.ts";
import { readPage } from "../platform/read-page.ts";
import { sql } from "../platform/sql.ts";
import { SPENT_BY, type SummaryRow } from "./cart.ts";
import { renderSummary } from "./render.ts";
import type { CartSummaryWire } from "./schemas.ts";

/** A user's carts, the newest first, spent ones too. A second device of the user finds the cart here. */
export async function listCarts(
  context: Context,
  userId: string,
  query: PageQuery,
): Promise<List<CartSummaryWire>> {
  const { rows, counted } = await readPage<SummaryRow>(
    context.env.DB,
    {
      select: sql`c.id, c.version, c.created_at, c.updated_at, ${SPENT_BY},
        (SELECT coalesce(sum(i.quantity), 0) FROM cart_items AS i WHERE i.cart_id = c.id) AS total_items`,
      from: "carts AS c",
      where: [sql`c.user_id = ${userId}`],
      key: "c.created_at",
      id: "c.id",
      direction: "DESC",
    },
    query,
  );
  return toList(query, rows, counted, (row) => ({ key: row.created_at, id: row.id }), renderSummary);
}
