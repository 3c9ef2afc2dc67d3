import { type InMilliseconds, isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { allowsVersion } from "../../platform/http/etag.ts";
import type { Operation } from "../../platform/idempotency.ts";
import { prefixed } from "../../platform/ids.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { batch, first, sql } from "../../platform/sql.ts";
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

/** @param operation a ulid that a retry of the same request repeats; the id is made of it, so there is only one store */
export async function createStore(
  { env, clock }: Context,
  operation: Operation,
  { name, address, country, priority }: NewStore,
): Promise<Store> {
  const id = prefixed("sto", operation.id);
  const now = clock.now();
  const fresh = { id, name, address, country, priority, version: 1, created_at: now, updated_at: now };
  const isFresh = sql`EXISTS (SELECT 1 FROM stores WHERE id = ${id} AND version = 1 AND updated_at = ${now})`;
  const {
    current: [row],
  } = await batch(env.DB, {
    created: sql`INSERT INTO stores (id, name, address, country, priority, version, created_at, updated_at)
      VALUES (${id}, ${name}, ${address}, ${country}, ${priority}, 1, ${now}, ${now}) ON CONFLICT DO NOTHING`,
    answered: operation.answer(201, renderStore(fresh), isFresh),
    current: sql<StoreRow>`SELECT * FROM stores WHERE id = ${id}`,
  });
  if (!row) throw new Error(`store ${id} is not there after its insert`);
  operation.answered = row.version === 1 && row.updated_at === now;
  return renderStore(row);
}

export type UpdateStoreOutcome =
  | { kind: "updated"; store: Store }
  | { kind: "not_found" }
  | { kind: "stale" };

/** @param allowed the versions in If-Match; null allows any */
export async function updateStore(
  { env, clock }: Context,
  id: string,
  allowed: number[] | null,
  { name, address, country, priority }: StoreChange,
): Promise<UpdateStoreOutcome> {
  const {
    current,
    updated: [updated],
  } = await batch(env.DB, {
    current: sql`SELECT 1 FROM stores WHERE id = ${id}`,
    updated: sql<StoreRow>`
      UPDATE stores SET name = coalesce(${name ?? null}, name), address = coalesce(${address ?? null}, address),
        country = coalesce(${country ?? null}, country), priority = coalesce(${priority ?? null}, priority),
        version = version + 1, updated_at = ${clock.now()}
      WHERE id = ${id} AND ${allowsVersion(allowed)}
      RETURNING *`,
  });
  if (updated) return { kind: "updated", store: renderStore(updated) };
  return current.length > 0 ? { kind: "stale" } : { kind: "not_found" };
}
