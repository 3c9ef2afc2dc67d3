import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
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
