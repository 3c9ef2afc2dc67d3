import type { Context } from "../../platform/context.ts";
import { type IdempotencyKey, wasSentBefore } from "../../platform/idempotency.ts";
import { IS_KEY_OF_ROW, type NewKey, putDownKeys, renamedKeys } from "../../platform/idempotency-keys.ts";
import { GENERATION } from "../../platform/restoring.ts";
import { batch, each, sql } from "../../platform/sql.ts";
import type { PaymentMethod } from "../lifecycle.ts";
import type { Customer } from "../order.ts";
import type { StoreHint } from "./choose-stores.ts";
import type { Draft } from "./draft.ts";
import { openTokens } from "./sealed-token.ts";

/** What the catalogue said of one product. */
export interface ProductRow {
  id: string;
  sku: string;
  title: string;
  price: number;
  currency: string;
  active: number;
  max_per_order: number | null;
}

/** What the shop knows of a user who orders. */
export interface Account {
  customer: Customer;
  /** Their orders need no approval. */
  trusted: boolean;
  /** How they may pay; null for every way. */
  paymentMethods: PaymentMethod[] | null;
}

/** What D1 has under the key of a draft: a claim, or what became of an earlier one. */
export type KeyState =
  | { kind: "fresh"; operation: string }
  | { kind: "answered"; status: number; body: string }
  | { kind: "reused" }
  /** The claim of the key was decided, but the answer is missing, as after a backup that was torn between the two. */
  | { kind: "decided"; operation: string; orderId: string }
  /** The claim of the key is dead without an order. It must release all its holds before a fresh one may start. */
  | { kind: "abandoned"; operation: string };

export interface PlaceFacts {
  /** One for each draft, in their order. */
  keys: KeyState[];
  products: Map<string, ProductRow>;
  /** By product. */
  hints: Map<string, StoreHint[]>;
  knownStores: Set<string>;
  /** Of the users among those who ask, by id. */
  accounts: Map<string, Account>;
  /** The sessions of customers among those who ask that have not ended. */
  openSessions: Set<string>;
  /** The restore generation in which all this was read. */
  generation: number;
  /**
   * `stopped` by an admin, or until a restore's reconciliation has ended; `restoring` while a backup overwrites the shop.
   */
  selling: "open" | "stopped" | "restoring";
}

interface KeyRow {
  draft: number;
  fingerprint: string;
  operation: string;
  status: number | null;
  body: string | null;
  fate: string | null;
  order_id: string | null;
}

/** Single values: the named stores that exist, the accounts by id and the open sessions, all as JSON, and the state of selling. */
interface OtherFacts {
  stores: string;
  accounts: string;
  sessions: string;
  selling: string | null;
  generation: number;
}

/** Stands for a draft's index where a key is that of the whole bulk. */
const BULK = -1;

/** Step 1 of placing, in one call to D1: puts the keys down and reads all that the drafts need. Holds nothing. */
export async function loadFacts(context: Context, drafts: Draft[]): Promise<PlaceFacts> {
  const { env } = context;
  const keyed: DraftKey[] = drafts.flatMap(({ key, operation }, index) =>
    key ? [{ draft: index, operation, ...key }] : [],
  );
  const bulkKey = drafts[0]?.bulk?.key;
  if (bulkKey) keyed.push({ draft: BULK, operation: context.ids.next(), ...bulkKey });
  const productIds = each([...new Set(drafts.flatMap((draft) => draft.lines.map((l) => l.productId)))]);
  const userIds = each([
    ...new Set(drafts.flatMap(({ actor }) => (actor.kind === "user" ? actor.userId : []))),
  ]);
  const sessionIds = each([
    ...new Set(drafts.flatMap(({ actor }) => (actor.kind === "user" ? actor.sessionId : []))),
  ]);
  const storeIds = each([...new Set(drafts.flatMap((draft) => draft.storeId ?? []))]);

  const reads = {
    products: sql<ProductRow>`
      SELECT p.id, p.sku, p.title, p.price, p.currency, p.active, p.max_per_order
      FROM ${productIds} AS wanted JOIN products AS p ON p.id = wanted.value`,
    hints: sql<StoreHint>`
      SELECT l.product_id, l.store_id, l.available, s.priority
      FROM ${productIds} AS wanted JOIN stock_levels AS l ON l.product_id = wanted.value
      JOIN stores AS s ON s.id = l.store_id WHERE l.available > 0`,
    others: sql<OtherFacts>`
      SELECT
        (SELECT json_group_array(s.id) FROM ${storeIds} AS named JOIN stores AS s ON s.id = named.value) AS stores,
        (SELECT json_group_object(u.id, json_object(
           'customer', json_object('name', u.name, 'email', u.email),
           'trusted', json(iif(u.trusted, 'true', 'false')), 'paymentMethods', json(u.payment_methods)))
         FROM ${userIds} AS asking JOIN users AS u ON u.id = asking.value) AS accounts,
        (SELECT json_group_array(s.id) FROM ${sessionIds} AS shown JOIN sessions AS s ON s.id = shown.value
           JOIN users AS u ON u.id = s.user_id
         WHERE s.revoked_at IS NULL AND u.disabled_at IS NULL AND u.role = 'customer') AS sessions,
        (SELECT value FROM shop_state WHERE key = 'selling' AND value <> 'open') AS selling,
        ${GENERATION} AS generation`,
  };
  const { products, hints, others, standing } =
    keyed.length === 0
      ? { ...(await batch(env.DB, reads)), standing: [] }
      : await batch(env.DB, {
          ...reads,
          ...renamedKeys(keyed),
          put: putDownKeys(keyed, context.clock.now()),
          standing: readKeys(keyed),
        });

  const opened = await openTokens(context, standing);
  const keys: KeyState[] = drafts.map(({ operation }) => ({ kind: "fresh", operation }));
  for (const row of opened) {
    if (row.draft !== BULK) keys[row.draft] = keyState(row, drafts[row.draft]?.key?.fingerprint);
  }
  // A bulk with another body under the same key is refused as a whole, before anything is held.
  const another = standing.some(
    ({ draft, fingerprint }) => draft === BULK && fingerprint !== bulkKey?.fingerprint,
  );
  if (another) keys.fill({ kind: "reused" });
  const [known] = others;
  if (!known) throw new Error("D1 gave no row where there always is one");
  context.generation ??= known.generation;
  return {
    keys,
    products: new Map(products.map((product) => [product.id, product])),
    hints: Map.groupBy(hints, ({ product_id }) => product_id),
    knownStores: new Set(JSON.parse(known.stores)),
    accounts: new Map(Object.entries(JSON.parse(known.accounts) as Record<string, Account>)),
    generation: known.generation,
    openSessions: new Set(JSON.parse(known.sessions)),
    selling: sellingOf(known.selling),
  };
}

/** The key of a draft or of its bulk, with the operation that it starts unless it has one already. */
interface DraftKey extends NewKey, Pick<IdempotencyKey, "formerly"> {
  draft: number;
}

/** Reads what D1 has under the keys once they are put down: twins and retries of one key share its claim. */
const readKeys = (keyed: DraftKey[]) => sql<KeyRow>`
  SELECT row.value ->> 'draft' AS draft, k.fingerprint, k.operation, k.status, k.body, c.fate, c.order_id
  FROM ${each(keyed)} AS row JOIN idempotency AS k ON ${IS_KEY_OF_ROW}
  LEFT JOIN claims AS c ON c.id = 'clm_' || k.operation`;

function sellingOf(value: string | null): PlaceFacts["selling"] {
  if (value === null) return "open";
  return value === "restoring" ? "restoring" : "stopped";
}

function keyState(row: KeyRow, fingerprint: string | undefined): KeyState {
  if (row.status !== null && row.body !== null && wasSentBefore(row.fingerprint, fingerprint))
    return { kind: "answered", status: row.status, body: row.body };
  if (row.fingerprint !== fingerprint) return { kind: "reused" };
  if (row.fate === "abandoned") return { kind: "abandoned", operation: row.operation };
  if (row.order_id !== null) return { kind: "decided", operation: row.operation, orderId: row.order_id };
  return { kind: "fresh", operation: row.operation };
}
