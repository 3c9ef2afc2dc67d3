import { may } from "../../platform/actor.ts";
import type { Memory } from "../../platform/cache/memory.ts";
import { shared } from "../../platform/cache/shared.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { describeError } from "../../platform/log.ts";
import { formatMoney } from "../../platform/money.ts";
import { first, sql } from "../../platform/sql.ts";
import type { ProductStock, StockPort } from "../stock-port.ts";
import type { Product } from "./schemas.ts";

/** A row of `products` with its category's name. */
export interface ProductRow {
  id: string;
  sku: string;
  title: string;
  description: string;
  category_id: string;
  category_name: string;
  /** Minor units of `currency`. */
  price: number;
  currency: string;
  low_stock_threshold: number;
  max_per_order: number | null;
  active: 0 | 1;
  /** JSON. */
  attributes: string;
  version: number;
  /** Milliseconds since the epoch. */
  created_at: number;
  updated_at: number;
}

/** The columns of a row. Not all that the table has: what is only searched by may be as long as the texts. */
export const PRODUCT_COLUMNS = sql`products.id, products.sku, products.title, products.description, products.category_id,
  products.price, products.currency, products.low_stock_threshold, products.max_per_order, products.active, products.attributes, products.version,
  products.created_at, products.updated_at, categories.name AS category_name`;
export const PRODUCT_CATEGORY = sql`JOIN categories ON categories.id = products.category_id`;

export const renderProduct = (row: ProductRow): Product => ({
  id: row.id,
  sku: row.sku,
  title: row.title,
  description: row.description,
  category: { id: row.category_id, name: row.category_name },
  price: formatMoney({ amount: row.price, currency: row.currency }),
  low_stock_threshold: row.low_stock_threshold,
  ...(row.max_per_order === null ? {} : { max_per_order: row.max_per_order }),
  active: row.active === 1,
  attributes: JSON.parse(row.attributes),
  created_at: isoTimestamp(row.created_at),
  updated_at: isoTimestamp(row.updated_at),
  version: row.version,
});

/** A product, archived or not, with its exact stock; `stock` is null when its object cannot be reached. */
export async function getProduct(
  context: Context,
  stock: StockPort,
  memory: Memory,
  id: string,
): Promise<(Product & { stock: ProductStock | null }) | null> {
  // The product must exist before its object is called, since a call with any id would create a Stock object.
  const row = await first(
    context.env.DB,
    sql<ProductRow>`SELECT ${PRODUCT_COLUMNS} FROM products ${PRODUCT_CATEGORY} WHERE products.id = ${id}`,
  );
  return row && { ...renderProduct(row), stock: await readStock(context, stock, memory, id) };
}

/** The object that reserves has buyers to serve: whoever only looks shares one look at it, this old at most. */
const LOOK_MS = 2_000;

async function readStock(
  context: Context,
  stock: StockPort,
  memory: Memory,
  id: string,
): Promise<ProductStock | null> {
  const read = () => stock.levels(context, id);
  try {
    return may(context.actor, "inventory:read")
      ? await read()
      : await shared(context, memory, { name: `levels of ${id}`, milliseconds: LOOK_MS }, read);
  } catch (error) {
    context.log.error("stock of a product page cannot be read", {
      product_id: id,
      error: describeError(error),
    });
    return null;
  }
}
