import type { NewEvent } from "../../events/append.ts";
import { Commit, type Handle } from "../../events/commit.ts";
import type { Context } from "../../platform/context.ts";
import { MAX_JSON_PARAMETER_BYTES } from "../../platform/d1.ts";
import { prefixed } from "../../platform/ids.ts";
import { parseAmount } from "../../platform/money.ts";
import { each, sql } from "../../platform/sql.ts";
import { type FoldedProduct, foldProduct } from "../search/folded.ts";
import type { ProductRow } from "./product.ts";
import type { Product } from "./schemas.ts";

export type Action = "created" | "updated" | "archived";

/** A new version of a product to write: its event, whose data is that version, and more that its row needs. */
export interface ProductRevision extends NewEvent {
  object_type: "product";
  data: Product;
  action: Action;
  /** Minor units of the price's currency. */
  price: number;
  folded: FoldedProduct;
}

export function productRevision({ ids }: Context, action: Action, product: Product): ProductRevision {
  const price = parseAmount(product.price.amount, product.price.currency);
  if (price === null) throw new Error(`product ${product.id} has a price that was not validated`);
  return {
    id: prefixed("evt", ids.next()),
    type: `product.${action}`,
    at: Date.parse(product.updated_at),
    object_type: "product",
    object_id: product.id,
    object_version: product.version,
    data: product,
    action,
    price,
    folded: foldProduct(product),
  };
}

/**
 * The guard of a revision: its product is still at the version before it (0: does not exist yet), no other product has its
 * sku, and its category exists.
 */
const IS_WRITABLE = sql`
  coalesce((SELECT version FROM products WHERE id = row.value ->> 'object_id'), 0) = (row.value ->> 'object_version') - 1
  AND NOT EXISTS (SELECT 1 FROM products
                  WHERE sku = row.value ->> '$.data.sku' AND id <> row.value ->> 'object_id')
  AND EXISTS (SELECT 1 FROM categories WHERE id = row.value ->> '$.data.category.id')`;

/**
 * Writes the event, the history and the row of each revision whose guard holds, and nothing of the others. The guard reads
 * the rows of products, so these are written last: then it gives the same answer in all three statements of the
 * transaction. No two revisions may have the same id or sku. Returns the ids of the products that are written.
 */
export function addRevisions(
  { actor }: Context,
  commit: Commit,
  revisions: ProductRevision[],
): Handle<Pick<ProductRow, "id">> {
  const rows = each(revisions);
  commit.events(revisions, IS_WRITABLE);
  commit.write(sql`INSERT INTO product_history (product_id, version, at, actor, action, snapshot)
       SELECT row.value ->> 'object_id', row.value ->> 'object_version', row.value ->> 'at', ${actor.name},
              row.value ->> 'action', row.value -> 'data'
       FROM ${rows} AS row WHERE ${IS_WRITABLE}`);
  return commit.win(sql<
    Pick<ProductRow, "id">
  >`INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, max_per_order, active,
                             attributes, version, created_at, updated_at, title_words, description_words, sku_key,
                             title_key, folded)
       SELECT row.value ->> 'object_id', row.value ->> '$.data.sku', row.value ->> '$.data.title',
              row.value ->> '$.data.description', row.value ->> '$.data.category.id', row.value ->> 'price',
              row.value ->> '$.data.price.currency', row.value ->> '$.data.low_stock_threshold',
              row.value ->> '$.data.max_per_order',
              row.value ->> '$.data.active', row.value -> '$.data.attributes', row.value ->> 'object_version',
              row.value ->> 'at', row.value ->> 'at', row.value ->> '$.folded.title_words',
              row.value ->> '$.folded.description_words', row.value ->> '$.folded.sku_key',
              row.value ->> '$.folded.title_key', 1
       FROM ${rows} AS row WHERE ${IS_WRITABLE}
       ON CONFLICT (id) DO UPDATE SET
         sku = excluded.sku, title = excluded.title, description = excluded.description,
         category_id = excluded.category_id, price = excluded.price, currency = excluded.currency,
         low_stock_threshold = excluded.low_stock_threshold, max_per_order = excluded.max_per_order, active = excluded.active,
         attributes = excluded.attributes, version = excluded.version, updated_at = excluded.updated_at,
         title_words = excluded.title_words, description_words = excluded.description_words, sku_key = excluded.sku_key,
         title_key = excluded.title_key, folded = excluded.folded
       RETURNING id`);
}

/** Writes revisions, in one batch for each megabyte of them. Returns the ids of the products that were written. */
export async function record(context: Context, revisions: ProductRevision[]): Promise<Set<string>> {
  const won = new Set<string>();
  for (const chunk of chunksOf(revisions)) {
    const commit = new Commit(context);
    const written = addRevisions(context, commit, chunk);
    for (const { id } of (await commit.send()).rows(written)) won.add(id);
  }
  return won;
}

function chunksOf(revisions: ProductRevision[]): ProductRevision[][] {
  const encoder = new TextEncoder();
  const chunks: ProductRevision[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const revision of revisions) {
    const size = encoder.encode(JSON.stringify(revision)).length + 1;
    if (bytes + size > MAX_JSON_PARAMETER_BYTES) {
      chunks.push([]);
      bytes = 2;
    }
    chunks.at(-1)?.push(revision);
    bytes += size;
  }
  return chunks;
}
