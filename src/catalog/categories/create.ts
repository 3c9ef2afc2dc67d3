import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { prefixed } from "../../platform/ids.ts";
import { type CategoryRow, renderCategory } from "./category.ts";
import type { Category, NewCategory } from "./schemas.ts";

export type CreateCategoryOutcome = { kind: "created"; category: Category } | { kind: "name_taken" };

/**
 * @param operation a ulid that a rerun of the same request repeats: its id comes from it, so the rerun finds its own
 * row, and whoever finds no row under it lost the name to another.
 */
export async function createCategory(
  { env, clock }: Context,
  operation: string,
  { name, description }: NewCategory,
): Promise<CreateCategoryOutcome> {
  const id = prefixed("cat", operation);
  const results = await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO categories (id, name, description, version, created_at, updated_at)
       VALUES (?1, ?2, ?3, 1, ?4, ?4) ON CONFLICT DO NOTHING`,
    ).bind(id, name, description, clock.now()),
    env.DB.prepare("SELECT * FROM categories WHERE id = ?1").bind(id),
  ]);
  const row = rowsOf<CategoryRow>(results, 1)[0];
  return row ? { kind: "created", category: renderCategory(row) } : { kind: "name_taken" };
}
