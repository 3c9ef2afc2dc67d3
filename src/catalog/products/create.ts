import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { batch, first, sql } from "../../platform/sql.ts";
import { PRODUCT_CATEGORY, PRODUCT_COLUMNS, type ProductRow, renderProduct } from "./product.ts";
import { productChange, recordStatements } from "./record.ts";
import { type CategoryName, draft, type Invalid, unknownCategory } from "./revise.ts";
import type { Product, ProductFields } from "./schemas.ts";

export type CreateProductOutcome = { kind: "created"; product: Product } | { kind: "sku_taken" } | Invalid;

/**
 * @param operation a ulid that a rerun of the same request repeats: the product's id comes from it, so the rerun
 * finds its own row, and whoever finds no row under it lost the sku to another.
 */
export async function createProduct(
  context: Context,
  operation: string,
  fields: ProductFields,
): Promise<CreateProductOutcome> {
  const { env, settings, clock } = context;
  const id = prefixed("prd", operation);
  const category = await first(
    env.DB,
    sql<CategoryName>`SELECT id, name FROM categories WHERE id = ${fields.category_id ?? null}`,
  );
  const drafted = draft(id, fields, category ?? undefined, settings.CURRENCY, isoTimestamp(clock.now()));
  if (drafted.kind === "invalid") return drafted;

  const { product, categories } = await batch(env.DB, {
    ...recordStatements(context, [productChange(context, "created", drafted.product)]),
    product: sql<ProductRow>`SELECT ${PRODUCT_COLUMNS} FROM products ${PRODUCT_CATEGORY} WHERE products.id = ${id}`,
    categories: sql`SELECT 1 FROM categories WHERE id = ${drafted.product.category.id}`,
  });
  const [row] = product;
  if (row) return { kind: "created", product: renderProduct(row) };
  return categories.length > 0 ? { kind: "sku_taken" } : unknownCategory;
}
