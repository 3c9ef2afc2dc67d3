import { type Sql, sql } from "../../platform/sql.ts";

/** The product that has a sku; archived ones have theirs still. */
export interface SkuHolder {
  id: string;
  active: 0 | 1;
}

export const skuHolder = (sku: string | null): Sql<SkuHolder> =>
  sql<SkuHolder>`SELECT id, active FROM products WHERE sku = ${sku}`;
