/** What a shop grows to that is measured at scale. */
export const LARGE = { products: 120_000, orders: 300_000 };

/** Rows at a time: one statement must end well within D1's 30 seconds, also on a machine with other work. */
const AT_ONCE = 1_000;

const numbers = "WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1)";

async function inParts(begin: number, end: number, statement: D1PreparedStatement): Promise<void> {
  for (let from = begin; from < end; from += AT_ONCE) {
    await statement.bind(from, Math.min(from + AT_ONCE, end)).run();
  }
}

/** Copies of the products that are there, with levels in six stores each: rows only, since lists ask no object. */
export async function growCatalogue(db: D1Database, more: number): Promise<void> {
  const folded = await foldedColumns(db);
  await inParts(
    0,
    more,
    db.prepare(
      `${numbers} INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold,
         active, attributes, version, created_at, updated_at${folded.names})
       SELECT 'prd_grown' || i, 'GROWN-' || i, p.title || ' ' || i, p.description, p.category_id, p.price + i % 97,
         p.currency, 10, 1, '{}', 1, p.created_at - i, p.updated_at - i${folded.values}
       FROM n JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS places FROM products
         WHERE id < 'prd_grown') AS p ON p.place = n.i % p.places`,
    ),
  );
  await inParts(
    0,
    more,
    db.prepare(
      `${numbers} INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version,
         updated_at)
       SELECT 'prd_grown' || i, s.id, 5 + i % 40, 0, 5 + i % 40, 1, 1, 1
       FROM n JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS places FROM stores)
         AS s ON (s.place + s.places - n.i % s.places) % s.places < 6`,
    ),
  );
}

/**
 * What the Worker would write beside copies: they are made of texts that it has folded, and a number. Otherwise it would fold
 * them while they are searched. A checkout from before the fold has nothing to write.
 */
async function foldedColumns(db: D1Database): Promise<{ names: string; values: string }> {
  const { results } = await db
    .prepare("SELECT 1 FROM pragma_table_info('products') WHERE name = 'folded'")
    .all();
  if (results.length === 0) return { names: "", values: "" };
  return {
    names: ", title_words, description_words, sku_key, title_key, folded",
    values: ", p.title_words || ' ' || i, p.description_words, 'grown' || i, p.title_key || ' ' || i, 1",
  };
}

/** Orders of former days, of one product each: those from one number up to another. */
export async function growOrders(db: D1Database, begin: number, end: number): Promise<void> {
  await inParts(
    begin,
    end,
    db.prepare(
      `${numbers} INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority,
         customer, customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp,
         status_at, created_at, updated_at)
       SELECT 'ord_grown' || i, 'ORD-G' || i, 'clm_grown' || i, 'delivered', 'paid', 'card', 'normal',
         '{"name":"Ada","email":"ada' || i % 1000 || '@shop.example"}', 'ada' || i % 1000 || '@shop.example', 'USD',
         1000, 0, 0, 0, 1000, 1, 5, 'grown', 1700000000000 + i * 1000, 1700000000000 + i * 1000,
         1700000000000 + i * 1000 FROM n`,
    ),
  );
  await inParts(
    begin,
    end,
    db.prepare(
      `${numbers} INSERT INTO order_items (order_id, product_id, line, sku, title, quantity, unit_price, allocations)
       SELECT 'ord_grown' || i, p.id, 0, p.sku, p.title, 1, 1000, '[]'
       FROM n JOIN (SELECT id, sku, title FROM products LIMIT 1) AS p`,
    ),
  );
}
