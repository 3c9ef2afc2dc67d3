import type { Context } from "../../platform/context.ts";
import { allows, allowsVersion } from "../../platform/etag.ts";
import { batch, sql } from "../../platform/sql.ts";
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
  const {
    updated: [updated],
    standing: [standing],
  } = await batch(env.DB, {
    updated: sql<CategoryRow>`
      UPDATE OR IGNORE categories SET name = coalesce(${name ?? null}, name),
        description = coalesce(${description ?? null}, description), version = version + 1, updated_at = ${clock.now()}
      WHERE id = ${id} AND ${allowsVersion(allowed)}
      RETURNING *`,
    standing: sql<CategoryRow>`SELECT * FROM categories WHERE id = ${id}`,
  });
  if (updated) return { kind: "updated", category: renderCategory(updated) };
  if (!standing) return { kind: "not_found" };
  return allows(allowed, standing.version) ? { kind: "name_taken" } : { kind: "stale" };
}
