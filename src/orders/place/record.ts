import { appendEvents, type Guard, type NewEvent, type NewWork, oweWork } from "../../events/append.ts";
import type { Context } from "../../platform/context.ts";
import { jsonParameter, jsonParameters, rowsOf } from "../../platform/d1.ts";
import type { IdempotencyKey } from "../../platform/idempotency.ts";
import { prefixed } from "../../platform/ids.ts";
import { refuseWhileRestoring } from "../../platform/restoring.ts";
import { writeHistory } from "../history-statement.ts";
import type { Order } from "../order.ts";
import { CART_ALLOWS, CART_STANDS, markCarts } from "./cart-guard.ts";
import type { Decision } from "./decide.ts";
import type { DraftCart } from "./draft.ts";

/** A decision with what its key will answer from now on. */
export interface Proposal {
  decision: Decision;
  answer: { status: number; body: string } | null;
  /** A guest's, whose hash the order keeps. */
  accessToken: string | undefined;
  /** What is owed if it is won: it is rung for after the answer. */
  work: NewWork[];
}

/** What stands in D1 for a claim after the batch, whoever wrote it. */
export interface Standing {
  claim: string;
  fate: "placed" | "rejected" | "abandoned";
  /** The nonce of the batch that wrote it: ours, where we won. */
  stamp: string;
  /** Under the draft's key: the answer that every twin repeats. The batch that wrote it knows the body itself. */
  status: number | null;
  body: string | null;
  /** Of its cart, if it has one and that is there. */
  cart_version: number | null;
  /** The living order that has spent its cart: `{id, reference}`. */
  spent_by: string | null;
}

/**
 * Step 3 of placing: one batch, one transaction, for any number of drafts. By the stamp rule the first statement wins
 * fates by an insert that yields, stamped with this batch's nonce, and every later one is joined on that stamp: what
 * was not won writes nothing. The last one reads back what stands. A checkout whose cart does not allow its fate gets
 * `abandoned` by the second statement, so that what it holds may be let go.
 * @param together one that was not won undoes them all: it throws, and nothing is written
 */
export async function record(
  context: Context,
  proposals: Proposal[],
  nonce: string,
  together: boolean,
): Promise<Map<string, Standing>> {
  const { env, clock } = context;
  const orders = proposals.flatMap(({ decision }) => (decision.fate === "abandoned" ? [] : [decision.order]));
  const work = proposals.flatMap((proposal) => proposal.work);
  const answers = proposals.flatMap(({ decision, answer }) =>
    answer && decision.quote.draft.key
      ? [{ ...decision.quote.draft.key, ...answer, claim: decision.quote.claim }]
      : [],
  );
  const orderStands: Guard = {
    sql: "EXISTS (SELECT 1 FROM orders AS o WHERE o.id = row.value ->> 'object_id' AND o.stamp = ?2)",
    parameters: [nonce],
  };
  const checkouts = orders.filter(({ cartId }) => cartId !== null);
  const results = await env.DB.batch([
    refuseWhileRestoring(env.DB),
    writeFates(env.DB, proposals.map(fateOf), nonce, clock.now()),
    ...(checkouts.length === 0
      ? []
      : [
          writeFates(
            env.DB,
            checkouts.map(({ claimId }) => abandoned(claimId)),
            context.ids.next(),
            clock.now(),
          ),
        ]),
    ...(together
      ? [
          allOrNothing(
            env.DB,
            proposals.map(({ decision }) => decision.quote.claim),
            nonce,
          ),
        ]
      : []),
    ...insertOrders(env.DB, orders, nonce),
    ...insertItems(env.DB, orders, nonce),
    ...insertStores(env.DB, orders, nonce),
    ...(checkouts.length === 0 ? [] : [markCarts(env.DB, checkouts, nonce, clock.now())]),
    ...(orders.length === 0
      ? []
      : [
          writeHistory(env.DB, {
            orders: orders.map(({ id }) => ({ id, from: null, reason: null })),
            stamp: nonce,
            actor: context.actor.name,
            operation: null,
          }),
          appendEvents(
            env.DB,
            orders.map((order) => placingEvent(context, order)),
            orderStands,
          ),
        ]),
    ...(work.length === 0 ? [] : [oweWork(env.DB, work, orderStands)]),
    ...writeAnswers(env.DB, answers, nonce),
    readStandings(env.DB, proposals.map(askedOf), nonce),
  ]);
  return standingsOf(results);
}

/** A claim and the key that its answer stands under, if it came under one. */
export interface Asked {
  claim: string;
  key: IdempotencyKey | null;
  cart: DraftCart | null;
}

/**
 * Gives claims up: writes `abandoned` by an insert that yields, and reads what stands. Under a nonce of its own, never
 * the record's: a record that was taken for lost may still arrive, and must not find this fate to be its own. One that
 * did commit is known by its nonce.
 */
export async function abandon(context: Context, asked: Asked[]): Promise<Map<string, Standing>> {
  const { env, clock, ids } = context;
  const fates = asked.map(({ claim }) => abandoned(claim));
  const nonce = ids.next();
  return standingsOf(
    await env.DB.batch([writeFates(env.DB, fates, nonce, clock.now()), readStandings(env.DB, asked, nonce)]),
  );
}

interface NewFate {
  claim: string;
  fate: Standing["fate"];
  order_id: string | null;
  /** That it needs, at this version and not spent; null where it needs none. */
  cart: string | null;
  cart_version: number | null;
}

const abandoned = (claim: string): NewFate => ({
  ...{ claim, fate: "abandoned", order_id: null },
  ...{ cart: null, cart_version: null },
});

function fateOf({ decision }: Proposal): NewFate {
  const { claim, draft } = decision.quote;
  if (decision.fate === "abandoned") return abandoned(claim);
  const { cart } = draft;
  return {
    ...{ claim, fate: decision.fate, order_id: decision.order.id },
    ...{ cart: cart?.id ?? null, cart_version: cart?.version ?? null },
  };
}

export const askedOf = ({ decision: { quote } }: Proposal): Asked => ({
  claim: quote.claim,
  key: quote.draft.key,
  cart: quote.draft.cart,
});

function writeFates(db: D1Database, fates: NewFate[], nonce: string, now: number): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO claims (id, fate, order_id, stamp, decided_at)
       SELECT row.value ->> 'claim', row.value ->> 'fate', row.value ->> 'order_id', ?2, ?3
       FROM json_each(?1) AS row WHERE ${CART_ALLOWS} ON CONFLICT DO NOTHING`,
    )
    .bind(jsonParameter(fates), nonce, now);
}

/** Breaks a constraint, and the batch with it, unless it won every fate. */
function allOrNothing(db: D1Database, claims: string[], nonce: string): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO claims (id, fate, stamp, decided_at) SELECT NULL, NULL, NULL, NULL
       WHERE (SELECT count(*) FROM json_each(?1) AS row JOIN claims AS c ON c.id = row.value AND c.stamp = ?2)
         < json_array_length(?1)`,
    )
    .bind(jsonParameter(claims), nonce);
}

function insertOrders(db: D1Database, orders: Order[], nonce: string): D1PreparedStatement[] {
  const rows = orders.map(({ items: _items, ...order }) => ({
    ...order,
    customer: JSON.stringify(order.customer),
    customerEmail: order.customer.email.toLowerCase(),
    shippingAddress: order.shippingAddress && JSON.stringify(order.shippingAddress),
    metadata: order.metadata && JSON.stringify(order.metadata),
  }));
  const statement = db.prepare(
    `INSERT INTO orders (id, reference, claim_id, store_id, batch_id, cart_id, user_id, access_token_hash, status,
         payment_status, payment_method, priority, customer, customer_email, shipping_address, currency, subtotal,
         shipping, tax, duty, total, total_items, notes, metadata, expires_at, version, stamp, status_at, sold_at,
         created_at, updated_at)
       SELECT row.value ->> 'id', row.value ->> 'reference', c.id, row.value ->> 'storeId',
         row.value ->> 'batchId', row.value ->> 'cartId', row.value ->> 'userId',
         row.value ->> 'accessTokenHash', row.value ->> 'status', row.value ->> 'paymentStatus',
         row.value ->> 'paymentMethod', row.value ->> 'priority', row.value ->> 'customer',
         row.value ->> 'customerEmail', row.value ->> 'shippingAddress', row.value ->> 'currency',
         row.value ->> 'subtotal', row.value ->> 'shipping', row.value ->> 'tax', row.value ->> 'duty',
         row.value ->> 'total', row.value ->> 'totalItems', row.value ->> 'notes', row.value ->> 'metadata',
         row.value ->> 'expiresAt', row.value ->> 'version', c.stamp, row.value ->> 'createdAt',
         iif(row.value ->> 'status' = 'confirmed', row.value ->> 'createdAt', NULL),
         row.value ->> 'createdAt', row.value ->> 'updatedAt'
       FROM json_each(?1) AS row JOIN claims AS c ON c.id = row.value ->> 'claimId'
         AND c.stamp = ?2 AND c.order_id = row.value ->> 'id'`,
  );
  return jsonParameters(rows).map((chunk) => statement.bind(chunk, nonce));
}

function insertItems(db: D1Database, orders: Order[], nonce: string): D1PreparedStatement[] {
  const rows = orders.flatMap((order) =>
    order.items.map((item, line) => ({ ...item, orderId: order.id, line })),
  );
  const statement = db.prepare(
    `INSERT INTO order_items (order_id, product_id, line, sku, title, quantity, unit_price, allocations, available)
       SELECT o.id, row.value ->> 'productId', row.value ->> 'line', row.value ->> 'sku', row.value ->> 'title',
         row.value ->> 'quantity', row.value ->> 'unitPrice', row.value -> 'allocations', row.value ->> 'available'
       FROM json_each(?1) AS row JOIN orders AS o ON o.id = row.value ->> 'orderId' AND o.stamp = ?2`,
  );
  return jsonParameters(rows).map((chunk) => statement.bind(chunk, nonce));
}

function insertStores(db: D1Database, orders: Order[], nonce: string): D1PreparedStatement[] {
  const rows = orders.flatMap((order) => {
    const stores = order.items.flatMap((item) => item.allocations.map((allocation) => allocation.store_id));
    return [...new Set(stores)].map((storeId) => ({ orderId: order.id, storeId }));
  });
  const statement = db.prepare(
    `INSERT INTO order_stores (store_id, order_id) SELECT row.value ->> 'storeId', o.id
     FROM json_each(?1) AS row JOIN orders AS o ON o.id = row.value ->> 'orderId' AND o.stamp = ?2`,
  );
  return jsonParameters(rows).map((chunk) => statement.bind(chunk, nonce));
}

function writeAnswers(
  db: D1Database,
  answers: { scope: string; key: string; status: number; body: string; claim: string }[],
  nonce: string,
): D1PreparedStatement[] {
  const statement = db.prepare(
    `UPDATE idempotency SET status = row.value ->> 'status', body = row.value ->> 'body' FROM json_each(?1) AS row
       WHERE idempotency.scope = row.value ->> 'scope' AND idempotency.key = row.value ->> 'key'
         AND EXISTS (SELECT 1 FROM claims AS c WHERE c.id = row.value ->> 'claim' AND c.stamp = ?2)`,
  );
  return jsonParameters(answers).map((chunk) => statement.bind(chunk, nonce));
}

/** Answers that this batch itself wrote are not sent back. */
function readStandings(db: D1Database, asked: Asked[], nonce: string): D1PreparedStatement {
  const rows = asked.map(({ claim, key, cart }) => ({
    ...{ claim, scope: key?.scope ?? null, key: key?.key ?? null },
    ...{ cart: cart?.id ?? null },
  }));
  return db
    .prepare(
      `SELECT c.id AS claim, c.fate, c.stamp, k.status, iif(c.stamp = ?2, NULL, k.body) AS body, ${CART_STANDS}
       FROM json_each(?1) AS row JOIN claims AS c ON c.id = row.value ->> 'claim'
       LEFT JOIN idempotency AS k ON k.scope = row.value ->> 'scope' AND k.key = row.value ->> 'key'
         AND c.id = 'clm_' || k.operation`,
    )
    .bind(jsonParameter(rows), nonce);
}

function standingsOf(results: D1Result[]): Map<string, Standing> {
  return new Map(rowsOf<Standing>(results, results.length - 1).map((standing) => [standing.claim, standing]));
}

function placingEvent(context: Context, order: Order): NewEvent {
  return {
    id: prefixed("evt", context.ids.next()),
    type: order.status === "rejected" ? "order.rejected" : "order.placed",
    at: order.createdAt,
    object_type: "order",
    object_id: order.id,
    object_version: order.version,
    data: {
      reference: order.reference,
      status: order.status,
      payment_status: order.paymentStatus,
      total: order.total,
      currency: order.currency,
    },
  };
}
