import type { Context } from "../../platform/context.ts";
import { allows, allowsVersion } from "../../platform/etag.ts";
import { batch, sql } from "../../platform/sql.ts";

export type DeleteCategoryOutcome =
  | { kind: "deleted" }
  | { kind: "not_found" }
  | { kind: "stale" }
  | { kind: "category_in_use" };

/**
 * Whether products use it is asked by the statement that deletes it, and the one that writes a product asks whether
 * its category is there: neither can slip between the other's question and its deed. Archived products count.
 */
export async function deleteCategory(
  { env }: Context,
  id: string,
  allowed: number[] | null,
): Promise<DeleteCategoryOutcome> {
  const {
    standing: [standing],
    deleted,
  } = await batch(env.DB, {
    standing: sql<{ version: number }>`SELECT version FROM categories WHERE id = ${id}`,
    deleted: sql`DELETE FROM categories
      WHERE id = ${id} AND ${allowsVersion(allowed)}
        AND NOT EXISTS (SELECT 1 FROM products WHERE category_id = ${id})
      RETURNING id`,
  });
  if (deleted.length > 0) return { kind: "deleted" };
  if (!standing) return { kind: "not_found" };
  return allows(allowed, standing.version) ? { kind: "category_in_use" } : { kind: "stale" };
}
