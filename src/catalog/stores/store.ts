import { type InMilliseconds, isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { allows, allowsVersion } from "../../platform/http/etag.ts";
import type { Operation } from "../../platform/idempotency.ts";
import { prefixed } from "../../platform/ids.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { batch, first, sql } from "../../platform/sql.ts";
import { nameKey } from "../../platform/text/name-key.ts";
import type { NewStore, Store, StoreChange } from "./schemas.ts";

/** A row of `stores`. */
type StoreRow = InMilliseconds<Store>;

const renderStore = (row: StoreRow): Store => ({
  id: row.id,
  name: row.name,
  address: row.address,
  country: row.country,
  priority: row.priority,
  created_at: isoTimestamp(row.created_at),
  updated_at: isoTimestamp(row.updated_at),
  version: row.version,
});

export async function getStore({ env }: Context, id: string): Promise<Store | null> {
  const row = await first(env.DB, sql<StoreRow>`SELECT * FROM stores WHERE id = ${id}`);
  return row && renderStore(row);
}

/** Lists stores, the newest first. */
export async function listStores({ env }: Context, query: PageQuery): Promise<List<Store>> {
  const { rows, counted } = await readPage<StoreRow>(
    env.DB,
    { select: "*", from: "stores", where: [], key: "created_at", id: "id", direction: "DESC" },
    query,
  );
  return toList(query, rows, counted, (row) => ({ key: row.created_at, id: row.id }), renderStore);
}

export type CreateStoreOutcome = { kind: "created"; store: Store } | { kind: "name_taken" };

/**
 * @param operation a ulid that a retry of the same request repeats. The store's id is made of it, so a retry finds its own
 * row; if there is no row with that id after the insert, another store has the name.
 */
export async function createStore(
  { env, clock }: Context,
  operation: Operation,
  { name, address, country, priority }: NewStore,
): Promise<CreateStoreOutcome> {
  const id = prefixed("sto", operation.id);
  const now = clock.now();
  const fresh = { id, name, address, country, priority, version: 1, created_at: now, updated_at: now };
  const isFresh = sql`EXISTS (SELECT 1 FROM stores WHERE id = ${id} AND version = 1 AND updated_at = ${now})`;
  const {
    current: [row],
  } = await batch(env.DB, {
    created: sql`INSERT INTO stores (id, name, address, country, priority, version, created_at, updated_at, name_key)
      VALUES (${id}, ${name}, ${address}, ${country}, ${priority}, 1, ${now}, ${now}, ${nameKey(name)})
      ON CONFLICT DO NOTHING`,
    answered: operation.answer(201, renderStore(fresh), isFresh),
    current: sql<StoreRow>`SELECT * FROM stores WHERE id = ${id}`,
  });
  if (!row) return { kind: "name_taken" };
  operation.answered = row.version === 1 && row.updated_at === now;
  return { kind: "created", store: renderStore(row) };
}

export type UpdateStoreOutcome =
  | { kind: "updated"; store: Store }
  | { kind: "not_found" }
  | { kind: "stale" }
  | { kind: "name_taken" };

/**
 * A name that stays as it is keeps its key: of two stores that had one name before names were unique, each may be changed.
 * @param allowed the versions in If-Match; null allows any
 */
export async function updateStore(
  { env, clock }: Context,
  id: string,
  allowed: number[] | null,
  { name, address, country, priority }: StoreChange,
): Promise<UpdateStoreOutcome> {
  const given = name ?? null;
  const {
    updated: [updated],
    current: [current],
  } = await batch(env.DB, {
    updated: sql<StoreRow>`
      UPDATE OR IGNORE stores SET name = coalesce(${given}, name), address = coalesce(${address ?? null}, address),
        country = coalesce(${country ?? null}, country), priority = coalesce(${priority ?? null}, priority),
        name_key = iif(coalesce(${given}, name) = name, name_key, ${given === null ? null : nameKey(given)}),
        version = version + 1, updated_at = ${clock.now()}
      WHERE id = ${id} AND ${allowsVersion(allowed)}
      RETURNING *`,
    current: sql<StoreRow>`SELECT * FROM stores WHERE id = ${id}`,
  });
  if (updated) return { kind: "updated", store: renderStore(updated) };
  if (!current) return { kind: "not_found" };
  return allows(allowed, current.version) ? { kind: "name_taken" } : { kind: "stale" };
}
