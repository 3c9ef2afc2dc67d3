import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { allows } from "../../platform/http/etag.ts";
import { batch, sql } from "../../platform/sql.ts";
import { PRODUCT_CATEGORY, PRODUCT_COLUMNS, type ProductRow, renderProduct } from "./product.ts";
import { productRevision, record } from "./record.ts";
import { type CategoryName, type Invalid, revise } from "./revise.ts";
import type { Product, ProductFields } from "./schemas.ts";
import { type SkuHolder, skuHolder } from "./sku-holder.ts";

/** An edit without If-Match is given up after so many attempts in which another writer was faster. */
const MAX_ATTEMPTS = 5;

export type UpdateProductOutcome =
  | { kind: "updated"; product: Product }
  | { kind: "not_found" }
  | { kind: "stale" }
  | { kind: "sku_taken"; holder: SkuHolder }
  | { kind: "contended" }
  | Invalid;

/**
 * Sets fields of a product, with a new version, its history and its event. Writes nothing if the product has these values
 * already. If the product changed between read and write, it reads and tries again.
 * @param allowed the versions in If-Match; null allows any
 */
export async function updateProduct(
  context: Context,
  id: string,
  allowed: number[] | null,
  fields: ProductFields,
): Promise<UpdateProductOutcome> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { current, category, holder } = await readCurrent(context, id, fields);
    if (!current) return { kind: "not_found" };
    if (!allows(allowed, current.version)) return { kind: "stale" };
    const revised = revise(current, fields, category, isoTimestamp(context.clock.now()));
    if (revised.kind === "invalid") return revised;
    if (revised.kind === "unchanged") return { kind: "updated", product: current };
    if (holder !== undefined && holder.id !== id) return { kind: "sku_taken", holder };

    const action = current.active && !revised.product.active ? "archived" : "updated";
    const won = await record(context, [productRevision(context, action, revised.product)]);
    if (won.has(id)) return { kind: "updated", product: revised.product };
  }
  return { kind: "contended" };
}

/** The product as it is, and the category and the holder of the sku that the new fields name. */
async function readCurrent({ env }: Context, id: string, { category_id, sku }: ProductFields) {
  const {
    current: [row],
    category: [category],
    holder: [holder],
  } = await batch(env.DB, {
    current: sql<ProductRow>`SELECT ${PRODUCT_COLUMNS} FROM products ${PRODUCT_CATEGORY} WHERE products.id = ${id}`,
    category: sql<CategoryName>`SELECT id, name FROM categories WHERE id = ${category_id ?? null}`,
    holder: skuHolder(sku ?? null),
  });
  return { current: row && renderProduct(row), category, holder };
}

export type ArchiveProductOutcome =
  | { kind: "archived" }
  | { kind: "not_found" }
  | { kind: "stale" }
  | { kind: "contended" };

/** Takes a product off sale; it stays readable. Archiving it again changes nothing. */
export async function archiveProduct(
  context: Context,
  id: string,
  allowed: number[] | null,
): Promise<ArchiveProductOutcome> {
  const outcome = await updateProduct(context, id, allowed, { active: false });
  switch (outcome.kind) {
    case "updated":
      return { kind: "archived" };
    case "not_found":
    case "stale":
    case "contended":
      return outcome;
    case "sku_taken":
    case "invalid":
      throw new Error(`archiving ${id} set nothing that could be refused: ${outcome.kind}`);
  }
}
