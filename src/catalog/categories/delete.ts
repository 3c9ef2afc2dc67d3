import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { allows } from "../../platform/etag.ts";

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
  const results = await env.DB.batch([
    env.DB.prepare("SELECT version FROM categories WHERE id = ?1").bind(id),
    env.DB.prepare(
      `DELETE FROM categories
       WHERE id = ?1 AND (?2 IS NULL OR version IN (SELECT value FROM json_each(?2)))
         AND NOT EXISTS (SELECT 1 FROM products WHERE category_id = ?1)
       RETURNING id`,
    ).bind(id, allowed && JSON.stringify(allowed)),
  ]);
  if (rowsOf(results, 1).length > 0) return { kind: "deleted" };
  const standing = rowsOf<{ version: number }>(results, 0)[0];
  if (!standing) return { kind: "not_found" };
  return allows(allowed, standing.version) ? { kind: "category_in_use" } : { kind: "stale" };
}
