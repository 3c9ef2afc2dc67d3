import { isoStamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { allows } from "../../platform/etag.ts";
import { prefixed } from "../../platform/ids.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import type { Category, CategoryChange, NewCategory } from "./schemas.ts";

/** A row of `categories`. */
interface CategoryRow {
  id: string;
  name: string;
  description: string;
  version: number;
  /** Milliseconds. */
  created_at: number;
  updated_at: number;
}

const renderCategory = (row: CategoryRow): Category => ({
  id: row.id,
  name: row.name,
  description: row.description,
  created_at: isoStamp(row.created_at),
  updated_at: isoStamp(row.updated_at),
  version: row.version,
});

export async function getCategory({ env }: Context, id: string): Promise<Category | null> {
  const row = await env.DB.prepare("SELECT * FROM categories WHERE id = ?1").bind(id).first<CategoryRow>();
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
