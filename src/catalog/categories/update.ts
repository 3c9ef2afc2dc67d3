import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { allows } from "../../platform/etag.ts";
import { type CategoryRow, renderCategory } from "./category.ts";
import type { Category, CategoryChange } from "./schemas.ts";

export type UpdateCategoryOutcome =
  | { kind: "updated"; category: Category }
  | { kind: "not_found" }
  | { kind: "stale" }
  | { kind: "name_taken" };

/** @param allowed versions that If-Match names; null allows any */
export async function updateCategory(
  { env, clock }: Context,
  id: string,
  allowed: number[] | null,
  { name, description }: CategoryChange,
): Promise<UpdateCategoryOutcome> {
  const results = await env.DB.batch([
    env.DB.prepare(
      `UPDATE OR IGNORE categories SET name = coalesce(?2, name), description = coalesce(?3, description),
         version = version + 1, updated_at = ?4
       WHERE id = ?1 AND (?5 IS NULL OR version IN (SELECT value FROM json_each(?5)))
       RETURNING *`,
    ).bind(id, name ?? null, description ?? null, clock.now(), allowed && JSON.stringify(allowed)),
    env.DB.prepare("SELECT * FROM categories WHERE id = ?1").bind(id),
  ]);
  const updated = rowsOf<CategoryRow>(results, 0)[0];
  if (updated) return { kind: "updated", category: renderCategory(updated) };
  const standing = rowsOf<CategoryRow>(results, 1)[0];
  if (!standing) return { kind: "not_found" };
  return allows(allowed, standing.version) ? { kind: "name_taken" } : { kind: "stale" };
}
