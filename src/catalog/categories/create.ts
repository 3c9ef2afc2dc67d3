import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { batch, sql } from "../../platform/sql.ts";
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
  const now = clock.now();
  const {
    standing: [row],
  } = await batch(env.DB, {
    created: sql`INSERT INTO categories (id, name, description, version, created_at, updated_at)
      VALUES (${id}, ${name}, ${description}, 1, ${now}, ${now}) ON CONFLICT DO NOTHING`,
    standing: sql<CategoryRow>`SELECT * FROM categories WHERE id = ${id}`,
  });
  return row ? { kind: "created", category: renderCategory(row) } : { kind: "name_taken" };
}
