import type { Context } from "../../platform/context.ts";
import { allowsVersion } from "../../platform/etag.ts";
import { batch, sql } from "../../platform/sql.ts";
import type { Store, StoreChange } from "./schemas.ts";
import { renderStore, type StoreRow } from "./store.ts";

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
  const {
    standing,
    updated: [updated],
  } = await batch(env.DB, {
    standing: sql`SELECT 1 FROM stores WHERE id = ${id}`,
    updated: sql<StoreRow>`
      UPDATE stores SET name = coalesce(${name ?? null}, name), address = coalesce(${address ?? null}, address),
        country = coalesce(${country ?? null}, country), priority = coalesce(${priority ?? null}, priority),
        version = version + 1, updated_at = ${clock.now()}
      WHERE id = ${id} AND ${allowsVersion(allowed)}
      RETURNING *`,
  });
  if (updated) return { kind: "updated", store: renderStore(updated) };
  return standing.length > 0 ? { kind: "stale" } : { kind: "not_found" };
}
