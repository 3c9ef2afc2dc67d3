import type { Context } from "../../platform/context.ts";
import { describeError } from "../../platform/log.ts";
import { first, sql } from "../../platform/sql.ts";
import type { ProductStock, StockPort } from "../stock-port.ts";
import { PRODUCT_CATEGORY, PRODUCT_COLUMNS, type ProductRow, renderProduct } from "./product.ts";
import type { Product } from "./schemas.ts";

/** A product, archived or not, with its exact stock; `stock` is null when that cannot be reached. */
export async function getProduct(
  context: Context,
  stock: StockPort,
  id: string,
): Promise<(Product & { stock: ProductStock | null }) | null> {
  // First whether it is there: naming a product must not make a Stock object.
  const row = await first(
    context.env.DB,
    sql<ProductRow>`SELECT ${PRODUCT_COLUMNS} FROM products ${PRODUCT_CATEGORY} WHERE products.id = ${id}`,
  );
  return row && { ...renderProduct(row), stock: await readStock(context, stock, id) };
}

async function readStock(context: Context, stock: StockPort, id: string): Promise<ProductStock | null> {
  try {
    return await stock.levels(context, id);
  } catch (error) {
    context.log.error("stock of a product page cannot be read", {
      product_id: id,
      error: describeError(error),
    });
    return null;
  }
}
