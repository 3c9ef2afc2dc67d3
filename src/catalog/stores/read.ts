import type { Context } from "../../platform/context.ts";
import { type List, type PageQuery, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { first, sql } from "../../platform/sql.ts";
import type { Store } from "./schemas.ts";
import { renderStore, type StoreRow } from "./store.ts";

export async function getStore({ env }: Context, id: string): Promise<Store | null> {
  const row = await first(env.DB, sql<StoreRow>`SELECT * FROM stores WHERE id = ${id}`);
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
