import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { prefixed } from "../../platform/ids.ts";
import type { NewStore, Store } from "./schemas.ts";
import { renderStore, type StoreRow } from "./store.ts";

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
