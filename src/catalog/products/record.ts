import { appendEvents, type NewEvent } from "../../events/append.ts";
import type { Context } from "../../platform/context.ts";
import { MAX_JSON_PARAMETER_BYTES } from "../../platform/d1.ts";
import { prefixed } from "../../platform/ids.ts";
import { parseAmount } from "../../platform/money.ts";
import { batch, each, sql } from "../../platform/sql.ts";
import type { Product } from "./schemas.ts";

export type Action = "created" | "updated" | "archived";

/** A change of a product: its event, whose data is the product after it, and what its row needs besides. */
export interface ProductChange extends NewEvent {
  object_type: "product";
  data: Product;
  action: Action;
  /** Minor units of the price's currency. */
  price: number;
}

export function productChange({ ids }: Context, action: Action, product: Product): ProductChange {
  const price = parseAmount(product.price.amount, product.price.currency);
  if (price === null) throw new Error(`product ${product.id} has a price that nobody checked`);
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
  };
}

/**
 * When a change may be written: its product still stands one version before it (0: is not there yet), no other
 * product has its sku, its category is there.
 */
const STANDS = sql`
  coalesce((SELECT version FROM products WHERE id = row.value ->> 'object_id'), 0) = (row.value ->> 'object_version') - 1
  AND NOT EXISTS (SELECT 1 FROM products
                  WHERE sku = row.value ->> '$.data.sku' AND id <> row.value ->> 'object_id')
  AND EXISTS (SELECT 1 FROM categories WHERE id = row.value ->> '$.data.category.id')`;

/**
 * Writes changes, each with its history and its event, or none of them where it lost its race. A batch is one
 * transaction, so all three statements ask the same of the same state; the products come last, as they are what is
 * asked about. Of one set no two may have the same id or sku. `won` returns the ids of those that were.
 */
export function recordStatements({ actor }: Context, changes: ProductChange[]) {
  const rows = each(changes);
  return {
    events: appendEvents(changes, STANDS),
    history: sql`INSERT INTO product_history (product_id, version, at, actor, action, snapshot)
       SELECT row.value ->> 'object_id', row.value ->> 'object_version', row.value ->> 'at', ${actor.name},
              row.value ->> 'action', row.value -> 'data'
       FROM ${rows} AS row WHERE ${STANDS}`,
    won: sql<{
      id: string;
    }>`INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
                             attributes, version, created_at, updated_at)
       SELECT row.value ->> 'object_id', row.value ->> '$.data.sku', row.value ->> '$.data.title',
              row.value ->> '$.data.description', row.value ->> '$.data.category.id', row.value ->> 'price',
              row.value ->> '$.data.price.currency', row.value ->> '$.data.low_stock_threshold',
              row.value ->> '$.data.active', row.value -> '$.data.attributes', row.value ->> 'object_version',
              row.value ->> 'at', row.value ->> 'at'
       FROM ${rows} AS row WHERE ${STANDS}
       ON CONFLICT (id) DO UPDATE SET
         sku = excluded.sku, title = excluded.title, description = excluded.description,
         category_id = excluded.category_id, price = excluded.price, currency = excluded.currency,
         low_stock_threshold = excluded.low_stock_threshold, active = excluded.active,
         attributes = excluded.attributes, version = excluded.version, updated_at = excluded.updated_at
       RETURNING id`,
  };
}

/** Writes changes, a batch for each megabyte of them. Returns the ids of the products whose change was won. */
export async function record(context: Context, changes: ProductChange[]): Promise<Set<string>> {
  const won = new Set<string>();
  for (const part of parts(changes)) {
    const written = await batch(context.env.DB, recordStatements(context, part));
    for (const { id } of written.won) won.add(id);
  }
  return won;
}

function parts(changes: ProductChange[]): ProductChange[][] {
  const encoder = new TextEncoder();
  const found: ProductChange[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const change of changes) {
    const size = encoder.encode(JSON.stringify(change)).length + 1;
    if (bytes + size > MAX_JSON_PARAMETER_BYTES) {
      found.push([]);
      bytes = 2;
    }
    found.at(-1)?.push(change);
    bytes += size;
  }
  return found;
}
