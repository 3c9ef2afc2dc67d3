import { type InMilliseconds, isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { allows, allowsVersion } from "../../platform/http/etag.ts";
import type { Operation } from "../../platform/idempotency.ts";
import { prefixed } from "../../platform/ids.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { batch, first, sql } from "../../platform/sql.ts";
import { foldName } from "../search/folded.ts";
import type { Category, CategoryChange, NewCategory } from "./schemas.ts";

/** A row of `categories`. */
type CategoryRow = InMilliseconds<Category>;

const renderCategory = (row: CategoryRow): Category => ({
  id: row.id,
  name: row.name,
  description: row.description,
  created_at: isoTimestamp(row.created_at),
  updated_at: isoTimestamp(row.updated_at),
  version: row.version,
});

export async function getCategory({ env }: Context, id: string): Promise<Category | null> {
  const row = await first(env.DB, sql<CategoryRow>`SELECT * FROM categories WHERE id = ${id}`);
  return row && renderCategory(row);
}

/** The newest first. */
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
 * @param operation a ulid that a retry of the same request repeats. The category's id is made of it, so a retry finds its
 * own row; if there is no row with that id after the insert, another category has the name.
 */
export async function createCategory(
  { env, clock }: Context,
  operation: Operation,
  { name, description }: NewCategory,
): Promise<CreateCategoryOutcome> {
  const id = prefixed("cat", operation.id);
  const now = clock.now();
  const folded = foldName(name);
  const fresh = { id, name, description, version: 1, created_at: now, updated_at: now };
  const isFresh = sql`EXISTS (SELECT 1 FROM categories WHERE id = ${id} AND version = 1 AND updated_at = ${now})`;
  const {
    current: [row],
  } = await batch(env.DB, {
    created: sql`INSERT INTO categories (id, name, description, version, created_at, updated_at, name_key, name_words)
      VALUES (${id}, ${name}, ${description}, 1, ${now}, ${now}, ${folded.name_key}, ${folded.name_words})
      ON CONFLICT DO NOTHING`,
    answered: operation.answer(201, renderCategory(fresh), isFresh),
    current: sql<CategoryRow>`SELECT * FROM categories WHERE id = ${id}`,
  });
  if (!row) return { kind: "name_taken" };
  operation.answered = row.version === 1 && row.updated_at === now;
  return { kind: "created", category: renderCategory(row) };
}

export type UpdateCategoryOutcome =
  | { kind: "updated"; category: Category }
  | { kind: "not_found" }
  | { kind: "stale" }
  | { kind: "name_taken" };

/**
 * A name that stays as it is keeps its key: of two categories that had one name before, each may be changed.
 * @param allowed the versions in If-Match; null allows any
 */
export async function updateCategory(
  { env, clock }: Context,
  id: string,
  allowed: number[] | null,
  { name, description }: CategoryChange,
): Promise<UpdateCategoryOutcome> {
  const folded = name === undefined ? null : foldName(name);
  const {
    updated: [updated],
    current: [current],
  } = await batch(env.DB, {
    updated: sql<CategoryRow>`
      UPDATE OR IGNORE categories SET name = coalesce(${name ?? null}, name),
        description = coalesce(${description ?? null}, description), version = version + 1, updated_at = ${clock.now()},
        name_key = iif(coalesce(${name ?? null}, name) = name, name_key, ${folded?.name_key ?? null}),
        name_words = iif(${folded === null ? 0 : 1}, ${folded?.name_words ?? null}, name_words)
      WHERE id = ${id} AND ${allowsVersion(allowed)}
      RETURNING *`,
    current: sql<CategoryRow>`SELECT * FROM categories WHERE id = ${id}`,
  });
  if (updated) return { kind: "updated", category: renderCategory(updated) };
  if (!current) return { kind: "not_found" };
  return allows(allowed, current.version) ? { kind: "name_taken" } : { kind: "stale" };
}

export type DeleteCategoryOutcome =
  | { kind: "deleted" }
  | { kind: "not_found" }
  | { kind: "stale" }
  | { kind: "category_in_use" };

/**
 * The statement that deletes checks that no product, archived ones included, is in the category. The statement that writes
 * a product checks that its category exists. So neither can act between the other's check and its write.
 */
export async function deleteCategory(
  { env }: Context,
  id: string,
  allowed: number[] | null,
): Promise<DeleteCategoryOutcome> {
  const {
    current: [current],
    deleted,
  } = await batch(env.DB, {
    current: sql<{ version: number }>`SELECT version FROM categories WHERE id = ${id}`,
    deleted: sql`DELETE FROM categories
      WHERE id = ${id} AND ${allowsVersion(allowed)}
        AND NOT EXISTS (SELECT 1 FROM products WHERE category_id = ${id})
      RETURNING id`,
  });
  if (deleted.length > 0) return { kind: "deleted" };
  if (!current) return { kind: "not_found" };
  return allows(allowed, current.version) ? { kind: "category_in_use" } : { kind: "stale" };
}
