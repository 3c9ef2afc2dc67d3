import { Commit } from "../../events/commit.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import type { Operation } from "../../platform/idempotency.ts";
import { prefixed } from "../../platform/ids.ts";
import { first, sql } from "../../platform/sql.ts";
import { PRODUCT_CATEGORY, PRODUCT_COLUMNS, type ProductRow, renderProduct } from "./product.ts";
import { addRevisions, productRevision } from "./record.ts";
import { type CategoryName, type Invalid, newProduct, unknownCategory } from "./revise.ts";
import type { Product, ProductFields } from "./schemas.ts";
import { type SkuHolder, skuHolder } from "./sku-holder.ts";

export type CreateProductOutcome =
  | { kind: "created"; product: Product }
  | { kind: "sku_taken"; holder: SkuHolder | null }
  | Invalid;

/**
 * @param operation a ulid that a retry of the same request repeats. The product's id is made of it, so a retry finds its
 * own row; if there is no row with that id after the insert, another product has the sku.
 */
export async function createProduct(
  context: Context,
  operation: Operation,
  fields: ProductFields,
): Promise<CreateProductOutcome> {
  const { env, settings, clock } = context;
  const id = prefixed("prd", operation.id);
  const category = await first(
    env.DB,
    sql<CategoryName>`SELECT id, name FROM categories WHERE id = ${fields.category_id ?? null}`,
  );
  const result = newProduct(id, fields, category ?? undefined, settings.CURRENCY, isoTimestamp(clock.now()));
  if (result.kind === "invalid") return result;

  const revision = productRevision(context, "created", result.product);
  const isFresh = sql`EXISTS (SELECT 1 FROM products WHERE id = ${id} AND version = 1 AND updated_at = ${revision.at})`;
  const commit = new Commit(context);
  addRevisions(context, commit, [revision]);
  commit.write(operation.answer(201, result.product, isFresh));
  const product = commit.read(
    sql<ProductRow>`SELECT ${PRODUCT_COLUMNS} FROM products ${PRODUCT_CATEGORY} WHERE products.id = ${id}`,
  );
  const sameCategory = commit.read(sql`SELECT 1 FROM categories WHERE id = ${result.product.category.id}`);
  const holder = commit.read(skuHolder(result.product.sku));
  const committed = await commit.send();
  const row = committed.first(product);
  if (row) {
    operation.answered = row.version === 1 && row.updated_at === revision.at;
    return { kind: "created", product: operation.answered ? result.product : renderProduct(row) };
  }
  if (committed.first(sameCategory) === null) return unknownCategory;
  return { kind: "sku_taken", holder: committed.first(holder) };
}
