import { isoStamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { prefixed } from "../../platform/ids.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import type { NewStore, Store, StoreChange } from "./schemas.ts";

/** A row of `stores`. */
interface StoreRow {
  id: string;
  name: string;
  address: string;
  country: string;
  priority: number;
  version: number;
  /** Milliseconds. */
  created_at: number;
  updated_at: number;
}

const renderStore = (row: StoreRow): Store => ({
  id: row.id,
  name: row.name,
  address: row.address,
  country: row.country,
  priority: row.priority,
  created_at: isoStamp(row.created_at),
  updated_at: isoStamp(row.updated_at),
  version: row.version,
});

export async function getStore({ env }: Context, id: string): Promise<Store | null> {
  const row = await env.DB.prepare("SELECT * FROM stores WHERE id = ?1").bind(id).first<StoreRow>();
  return row && renderStore(row);
}

/** Newest first. */
export async function listStores({ env }: Context, query: PageQuery): Promise<List<Store>> {
  const { rows, counted } = await readPage<StoreRow>(
    env.DB,
    { select: "*", from: "stores", where: [], key: "created_at", id: "id", direction: "DESC" },
    query,
  );
  return toList(query, rows, counted, (row) => ({ key: row.created_at, id: row.id }), renderStore);
}

/** @param operation a ulid that a rerun of the same request repeats: its id comes from it, so there is one store */
export async function createStore(
  { env, clock }: Context,
  operation: string,
  { name, address, country, priority }: NewStore,
): Promise<Store> {
  const id = prefixed("sto", operation);
  const results = await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO stores (id, name, address, country, priority, version, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6) ON CONFLICT DO NOTHING`,
    ).bind(id, name, address, country, priority, clock.now()),
    env.DB.prepare("SELECT * FROM stores WHERE id = ?1").bind(id),
  ]);
  const row = rowsOf<StoreRow>(results, 1)[0];
  if (!row) throw new Error(`store ${id} is not there after its insert`);
  return renderStore(row);
}

export type UpdateStoreOutcome =
  | { kind: "updated"; store: Store }
  | { kind: "not_found" }
  | { kind: "stale" };

/** @param allowed versions that If-Match names; null allows any */
export async function updateStore(
  { env, clock }: Context,
  id: string,
  allowed: number[] | null,
  { name, address, country, priority }: StoreChange,
): Promise<UpdateStoreOutcome> {
  const results = await env.DB.batch([
    env.DB.prepare("SELECT 1 FROM stores WHERE id = ?1").bind(id),
    env.DB.prepare(
      `UPDATE stores SET name = coalesce(?2, name), address = coalesce(?3, address), country = coalesce(?4, country),
         priority = coalesce(?5, priority), version = version + 1, updated_at = ?6
       WHERE id = ?1 AND (?7 IS NULL OR version IN (SELECT value FROM json_each(?7)))
       RETURNING *`,
    ).bind(
      id,
      name ?? null,
      address ?? null,
      country ?? null,
      priority ?? null,
      clock.now(),
      allowed && JSON.stringify(allowed),
    ),
  ]);
  const updated = rowsOf<StoreRow>(results, 1)[0];
  if (updated) return { kind: "updated", store: renderStore(updated) };
  return rowsOf(results, 0).length > 0 ? { kind: "stale" } : { kind: "not_found" };
}
