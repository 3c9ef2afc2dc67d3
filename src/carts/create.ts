import type { Context } from "../platform/context.ts";
import { prefixed, sha256 } from "../platform/ids.ts";
import { run, sql } from "../platform/sql.ts";
import type { Cart } from "./cart.ts";

/** Creates an empty cart for the signed-in user, or for a guest, whose token is returned here and never again. */
export async function createCart(context: Context): Promise<{ cart: Cart; token: string | undefined }> {
  const { env, ids, clock, actor } = context;
  const now = clock.now();
  const id = prefixed("crt", ids.next());
  const userId = actor.kind === "user" ? actor.userId : null;
  const token = userId === null ? ids.secret() : undefined;
  const hash = token === undefined ? null : await sha256(token);
  await run(
    env.DB,
    sql`INSERT INTO carts (id, user_id, token_hash, version, stamp, created_at, updated_at)
      VALUES (${id}, ${userId}, ${hash}, 1, ${ids.next()}, ${now}, ${now})`,
  );
  return { cart: { id, version: 1, items: [], spentBy: null, createdAt: now, updatedAt: now }, token };
}
