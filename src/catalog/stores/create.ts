import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { batch, sql } from "../../platform/sql.ts";
import type { NewStore, Store } from "./schemas.ts";
import { renderStore, type StoreRow } from "./store.ts";

/** @param operation a ulid that a rerun of the same request repeats: its id comes from it, so there is one store */
export async function createStore(
  { env, clock }: Context,
  operation: string,
  { name, address, country, priority }: NewStore,
): Promise<Store> {
  const id = prefixed("sto", operation);
  const now = clock.now();
  const {
    standing: [row],
  } = await batch(env.DB, {
    created: sql`INSERT INTO stores (id, name, address, country, priority, version, created_at, updated_at)
      VALUES (${id}, ${name}, ${address}, ${country}, ${priority}, 1, ${now}, ${now}) ON CONFLICT DO NOTHING`,
    standing: sql<StoreRow>`SELECT * FROM stores WHERE id = ${id}`,
  });
  if (!row) throw new Error(`store ${id} is not there after its insert`);
  return renderStore(row);
}
