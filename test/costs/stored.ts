import { env } from "cloudflare:workers";
import { encodeTime } from "ulid";

/**
 * Rows of everything that a shop stores, put straight into D1. `varied` has some of each kind of everything; `bland` is
 * newer, and all alike: whoever looks for the first kind by going through what is newest goes through all of these.
 */
export type Kind = "varied" | "bland";

/** Of whom the stored things are. */
export interface Stored {
  categoryId: string;
  /** The varied go to the first, the bland to the second. */
  storeIds: [string, string];
  /** Sold by the stored orders. */
  productId: string;
  userId: string;
  now: number;
}

export const EMAIL = "ida@shop.example";
export const BATCH = "bat_1";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/**
 * @param from how many are stored already; each further one is a second newer than the one before it, and all of them are
 * between ninety days and one day old
 */
export async function store(
  from: number,
  to: number,
  kind: Kind,
  { categoryId, storeIds, productId, userId, now }: Stored,
): Promise<void> {
  const varied = kind === "varied";
  const pick = (values: (string | null)[], divisor = 1) =>
    `CASE i / ${divisor} % ${values.length} ${values
      .map((value, index) => `WHEN ${index} THEN ${value === null ? "NULL" : `'${value}'`}`)
      .join(" ")} END`;
  const oneOf = (values: string[], bland: string, divisor = 1) =>
    varied ? pick(values, divisor) : `'${bland}'`;
  const at = `(${now - 60 * DAY} + i * 1000)`;
  // An id as it would have been made then, for what is listed or walked by its id.
  const id = (prefix: string) =>
    `'${prefix}_' || '${encodeTime(now - 60 * DAY).toLowerCase()}' || printf('%016d', i)`;
  const status = oneOf(
    "pending confirmed processing shipped delivered returned cancelled expired rejected".split(" "),
    "delivered",
  );
  const task = oneOf(["email", "follow", "restock"], "follow");
  const store = varied ? storeIds[0] : storeIds[1];
  const inserts = [
    `INSERT INTO users (id, email, name, password_hash, role, created_at, updated_at)
     SELECT ${id("usr")}, 'u' || i, 'U', 'none', 'customer', ${at}, ${at} FROM n`,
    `INSERT INTO sessions (id, user_id, created_at, last_used_at)
     SELECT 'ses_' || '${encodeTime(now).toLowerCase()}' || printf('%016d', i), ${id("usr")}, ${now}, ${now} FROM n`,
    `INSERT INTO refresh_tokens SELECT 'hash' || i, ${id("ses")}, ${at}, ${now + DAY}, NULL FROM n`,
    `INSERT INTO categories (id, name, description, version, created_at, updated_at, name_key)
     SELECT ${id("cat")}, 'Category ' || i, '', 1, ${at}, ${at}, 'category ' || i FROM n`,
    `INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
       attributes, version, created_at, updated_at, sku_key, title_key, folded) SELECT ${id("prd")}, 'S' || i, 'Stored thing', 'Of the kind ' || (i % 5), '${categoryId}',
       100 + i, 'USD', 10, ${varied ? "i % 4 > 0" : "1"}, '{}', 1, ${at}, ${at}, 's' || i, 'stored thing', 1 FROM n`,
    `INSERT INTO product_history SELECT '${productId}', 10 + i, ${at}, 'test', 'updated', '{}' FROM n`,
    `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
     SELECT ${id("prd")}, '${store}', q, 0, q, 0, 0, ${at}
     FROM (SELECT i, ${varied ? "CASE i / 4 % 3 WHEN 0 THEN 0 WHEN 1 THEN 5 ELSE 500 END" : "500"} AS q FROM n)`,
    `INSERT INTO claims SELECT ${id("clm")}, 'placed', ${id("ord")}, 's', ${at} FROM n`,
    `INSERT INTO orders (id, reference, claim_id, user_id, batch_id, status, payment_status, payment_method, priority,
       customer, customer_email, currency, subtotal, shipping, tax, duty, total, total_items, expires_at, version, stamp,
       status_at, created_at, updated_at, customer_words)
     SELECT ${id("ord")}, 'STORED-${varied ? "V" : "B"}' || printf('%08d', i), ${id("clm")},
       ${varied ? `iif(i % 2 = 0, '${userId}', NULL)` : "NULL"}, ${varied ? `iif(i % 2 = 1, '${BATCH}', NULL)` : "NULL"},
       ${status}, ${oneOf("none awaiting paid failed refund_due partially_refunded refunded".split(" "), "none", 9)},
       'card', ${oneOf(["normal", "high", "low"], "normal", 63)},
       '{"name":"Ida","email":"${EMAIL}"}', ${varied ? `'${EMAIL}'` : "'bland' || i"}, 'USD', 5, 0, 0, 0, 5, 1,
       ${now + DAY}, 1, 's', ${at}, ${at}, ${at}, ${varied ? "'ida stored' || i" : "'bland' || i"} FROM n`,
    `INSERT INTO order_items SELECT ${id("ord")}, '${productId}', 0, 'S', 'T', 1, 5, '[]', NULL FROM n`,
    `INSERT INTO order_stores SELECT '${store}', ${id("ord")} FROM n`,
    `INSERT INTO order_history SELECT ${id("ord")}, 1, NULL, 'pending', ${at}, 'guest', NULL, NULL,
       '{"status":"pending","payment_status":"none","total":5,"currency":"USD","expires_at":null,"items":[]}', NULL, NULL FROM n`,
    `INSERT INTO payments SELECT ${id("pay")}, ${id("ord")}, 'standard', NULL, 'captured', 5, 'USD', 5, 0, NULL, 's',
       ${at}, ${at} FROM n`,
    `INSERT INTO refunds SELECT ${id("rfd")}, ${id("pay")}, ${id("ord")}, 5, 'USD', 'settled', NULL, NULL, ${at}, ${at},
       NULL FROM n`,
    `INSERT INTO payment_events SELECT 'standard', 'e' || i, ${id("ord")}, 'STORED-V' || i, 'paid', 5, 'USD', NULL, NULL,
       ${oneOf(["done", "flagged", "unmatched", "done"], "done")}, NULL, ${id("evt")}, 's', ${at} FROM n`,
    `INSERT INTO shipments SELECT ${id("shp")}, ${id("ord")}, 1, '[]', NULL, NULL, ${at} FROM n`,
    `INSERT INTO returns SELECT ${id("ret")}, ${id("ord")}, 1, '${store}', '[]', 'x', ${at} FROM n`,
    `INSERT INTO events (id, type, at, object_type, object_id, object_version, data)
     SELECT ${id("evt")}, ${oneOf(["order.placed", "order.delayed"], "order.placed")}, ${at}, 'order', ${id("ord")}, 1,
       '{}' FROM n`,
    `INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, created_at, started_at, finished_at)
     SELECT ${id("wrk")}, ${task}, ${id("ord")}, '{}', state, ${at} + ${varied ? 90 * DAY : 0}, 1, ${at}, ${at},
       iif(state = 'owed', NULL, ${at}) FROM (SELECT i, ${oneOf(["owed", "dead", "done"], "done", 3)} AS state FROM n)`,
    `INSERT INTO emails (work_id, to_address, subject, text, html, sent_at)
     SELECT ${id("wrk")}, ${varied ? `'${EMAIL}'` : "'bland'"}, 'S', 'T', 'H', ${now} FROM n`,
    `INSERT INTO job_runs SELECT ${id("run")}, ${oneOf(["clean-up", "send-owed"], "send-owed")}, ${at}, ${at}, ${at},
       'done', 'x' FROM n`,
    `INSERT INTO daily_reports SELECT date('2000-01-01', '+' || i || ' days'), '{}', 0 FROM n`,
    `INSERT INTO carts (id, user_id, version, stamp, created_at, updated_at)
     SELECT ${id("crt")}, ${varied ? `'${userId}'` : "NULL"}, 1, 's', ${at}, ${now} FROM n`,
    `INSERT INTO cart_items SELECT ${id("crt")}, '${productId}', 0, 1, 5, 'USD' FROM n`,
    `INSERT INTO idempotency (scope, key, fingerprint, operation, created_at)
     SELECT 'public', 'a-stored-key-' || i, 'f', 'o' || i, ${now} FROM n`,
  ];
  const numbers = `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})`;
  await env.DB.batch(
    inserts.map((insert) => env.DB.prepare(insert.replace(/ SELECT|\n\s*SELECT/, ` ${numbers} SELECT`))),
  );
}
