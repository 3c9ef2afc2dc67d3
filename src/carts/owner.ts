import type { Context } from "../platform/context.ts";
import { sha256 } from "../platform/ids.ts";
import { type Sql, sql, trusted } from "../platform/sql.ts";

/** Who asks for a cart: a signed-in user, and the token that came along. */
export interface Owner {
  userId: string | null;
  tokenHash: string | null;
}

/** Tokens are compared by their hashes, so how long it takes tells nothing of them. */
export async function ownerOf({ actor }: Context, token: string | undefined): Promise<Owner> {
  return {
    userId: actor.kind === "user" ? actor.userId : null,
    tokenHash: token === undefined ? null : await sha256(token),
  };
}

/**
 * SQL: whether a cart is theirs. A user's cart is that user's alone, whoever made it; a guest's is open to its token
 * until it was merged. Staff have no more right to it than anyone: it is not an order yet.
 */
export function isTheirs(table: "c" | "carts", { userId, tokenHash }: Owner): Sql {
  const cart = trusted(table);
  return sql`(${cart}.merged_into IS NULL AND (${cart}.user_id = ${userId}
    OR (${cart}.user_id IS NULL AND ${cart}.token_hash = ${tokenHash})))`;
}
