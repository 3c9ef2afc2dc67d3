import type { Context } from "../platform/context.ts";
import { all, batch, constant, type Sql, sql } from "../platform/sql.ts";
import { ERASED_DOMAIN } from "../platform/text/email.ts";

/** Orders that one batch goes over: few enough that orders of others need not wait long. */
const CHUNK_ORDERS = 200;
/** A customer with more than this many chunks is finished by the job. */
const MAX_CHUNKS = 50;

/** What stands where a name stood. */
const ERASED_NAME = "Erased";

export type EraseOutcome =
  | { kind: "erased" }
  | { kind: "not_found" }
  /** One of the shop's people: the role is taken away first. */
  | { kind: "not_a_customer" }
  /** Something is still to be sent, or to be paid. */
  | { kind: "orders_open"; orders: number };

/** Of orders that are not at their end. */
const OPEN = sql`o.status IN ('pending', 'confirmed', 'processing')`;

/**
 * Takes from a customer's account and orders all that says who they are. What was bought, for how much and in which country
 * stays, since books must be kept. Whether it may be is decided by the statement that writes it down; from then on nobody is
 * signed in. The orders follow in chunks, each whole; a chunk that was cut off is made up for by the same call again, and by
 * the job `clean-up`.
 */
export async function eraseCustomer(context: Context, userId: string): Promise<EraseOutcome> {
  const now = context.clock.now();
  const { standing } = await batch(context.env.DB, {
    decided: sql`
      INSERT INTO erasures (user_id, at) SELECT u.id, ${now} FROM users AS u
      WHERE u.id = ${userId} AND u.role = 'customer'
        AND NOT EXISTS (SELECT 1 FROM orders AS o INDEXED BY orders_user WHERE o.user_id = u.id AND ${OPEN})
      ON CONFLICT DO NOTHING`,
    account: sql`
      UPDATE users SET email = id || ${ERASED_DOMAIN}, name = ${ERASED_NAME}, password_hash = '', email_verified_at = NULL,
        disabled_at = coalesce(disabled_at, ${now}), updated_at = ${now}
      WHERE ${isToErase(userId)} AND email <> id || ${ERASED_DOMAIN}`,
    tokens: sql`
      DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE user_id = ${userId}) AND ${erasing(userId)}`,
    sessions: sql`DELETE FROM sessions WHERE user_id = ${userId} AND ${erasing(userId)}`,
    identities: sql`DELETE FROM identities WHERE user_id = ${userId} AND ${erasing(userId)}`,
    addresses: sql`DELETE FROM addresses WHERE user_id = ${userId} AND ${erasing(userId)}`,
    items: sql`
      DELETE FROM cart_items WHERE cart_id IN (SELECT id FROM carts WHERE user_id = ${userId}) AND ${erasing(userId)}`,
    carts: sql`DELETE FROM carts WHERE user_id = ${userId} AND ${erasing(userId)}`,
    keys: sql`DELETE FROM idempotency WHERE scope = ${`user:${userId}`} AND ${erasing(userId)}`,
    standing: sql<{ role: string; erased: number; open: number }>`
      SELECT u.role, ${erasing(userId)} AS erased,
        (SELECT count(*) FROM orders AS o INDEXED BY orders_user WHERE o.user_id = u.id AND ${OPEN}) AS open
      FROM users AS u WHERE u.id = ${userId}`,
  });
  const [row] = standing;
  if (!row) return { kind: "not_found" };
  if (row.role !== "customer") return { kind: "not_a_customer" };
  if (!row.erased) return { kind: "orders_open", orders: row.open };
  await eraseOrders(context, userId);
  return { kind: "erased" };
}

const erasing = (userId: string): Sql => sql`EXISTS (SELECT 1 FROM erasures WHERE user_id = ${userId})`;

const isToErase = (userId: string): Sql => sql`id = ${userId} AND ${erasing(userId)}`;

async function eraseOrders({ env }: Context, userId: string): Promise<void> {
  const alias = `${userId}${ERASED_DOMAIN}`;
  const chunk = sql`
    SELECT id FROM orders INDEXED BY orders_user WHERE user_id = ${userId} AND customer_email <> ${alias}
    ORDER BY created_at, id LIMIT ${constant(CHUNK_ORDERS)}`;
  for (let chunks = 0; chunks < MAX_CHUNKS; chunks++) {
    const { erased } = await batch(env.DB, {
      history: sql`
        UPDATE order_history SET reason = iif(actor = ${userId}, NULL, reason),
          snapshot = json_remove(snapshot, '$.customer', '$.shipping_address', '$.notes', '$.previous')
        WHERE order_id IN (${chunk})`,
      erased: sql<{ id: string }>`
        UPDATE orders SET customer = json_object('name', ${ERASED_NAME}, 'email', ${alias}), customer_email = ${alias},
          customer_words = '', notes = NULL, metadata = NULL, placed_from = NULL,
          shipping_address = iif(shipping_address IS NULL, NULL, json_object('name', ${ERASED_NAME}, 'line1', ${ERASED_NAME},
            'city', ${ERASED_NAME}, 'country', shipping_address ->> 'country'))
        WHERE id IN (${chunk}) RETURNING id`,
    });
    if (erased.length < CHUNK_ORDERS) return;
  }
}

/** How far back erasures are looked at again: by then the job has run, and what was under way has ended. */
const LOOK_BACK_MS = 3 * 24 * 3_600_000;
const MAX_AGAIN = 500;

/**
 * Erases again what came back: of accounts that a restore has brought, and of orders that were on their way when their customer
 * left. @returns how many accounts
 */
export async function eraseAgain(context: Context): Promise<number> {
  const found = await all(
    context.env.DB,
    sql<{ id: string }>`
      SELECT e.user_id AS id FROM erasures AS e INDEXED BY erasures_at JOIN users AS u ON u.id = e.user_id
      WHERE e.at > ${context.clock.now() - LOOK_BACK_MS} AND (u.email <> u.id || ${ERASED_DOMAIN}
        OR EXISTS (SELECT 1 FROM orders AS o INDEXED BY orders_user
          WHERE o.user_id = u.id AND o.customer_email <> u.id || ${ERASED_DOMAIN}))
      LIMIT ${constant(MAX_AGAIN)}`,
  );
  for (const { id } of found) await eraseCustomer(context, id);
  return found.length;
}
