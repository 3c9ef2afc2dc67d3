import type { Context } from "../../platform/context.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { first, sql } from "../../platform/sql.ts";
import { type CategoryRow, renderCategory } from "./category.ts";
import type { Category } from "./schemas.ts";

export async function getCategory({ env }: Context, id: string): Promise<Category | null> {
  const row = await first(env.DB, sql<CategoryRow>`SELECT * FROM categories WHERE id = ${id}`);
  return row && renderCategory(row);
}

/** Newest first. */
export async function listCategories({ env }: Context, query: PageQuery): Promise<List<Category>> {
  const { rows, counted } = await readPage<CategoryRow>(
    env.DB,
    { select: "*", from: "categories", where: [], key: "created_at", id: "id", direction: "DESC" },
    query,
  );
  return toList(query, rows, counted, (row) => ({ key: row.created_at, id: row.id }), renderCategory);
}
