import { ACCESS_TOKEN_SECONDS } from "./accounts/access-token.ts";
import type { Reference } from "./platform/http/openapi.ts";
import { ERRORS_PAGE } from "./platform/http/problem.ts";

/** What the API says of itself beside what its routes say: how to start, its headings, its credentials, its examples. */

const ACCESS_TOKEN_MINUTES = ACCESS_TOKEN_SECONDS / 60;

/** Where the rooms' routes are. */
export const API = "/api/v1";

const START = `
A shop without pages: catalogue, stock, orders and payments behind one API of JSON. A unit of stock is never sold twice.

## How to start

**1. See what is on sale.** No sign-in is needed.

\`\`\`sh
curl -sS "$SHOP${API}/products?page_size=3"
\`\`\`

**2. Place an order**, as a guest. \`Idempotency-Key\` makes it safe to send again: it is the same order then.

\`\`\`sh
curl -sS "$SHOP${API}/orders" \\
  -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first-order-2026' \\
  -d '{"items": [{"product_id": "prd_…", "quantity": 1}],
       "customer": {"name": "Ada", "email": "ada@example.com"}}'
\`\`\`

The answer has the order's \`id\`, its \`reference\` (\`ORD-…\`, which stands wherever the id may), and for a guest its
\`access_token\`, shown once: send it as \`X-Order-Token\`. Where there is not enough, the answer is a 409
\`insufficient_stock\` that says of each item what is free, and nothing is held.

**3. Pay it.** This opens a payment with the shop's provider; its webhook tells when the money is there. An order that is
not paid in time expires, and its stock is free again.

\`\`\`sh
curl -sS -X POST "$SHOP${API}/orders/ord_…/payments" -H 'X-Order-Token: …'
\`\`\`

**4. Look.** The order with its payments, shipments and returns:

\`\`\`sh
curl -sS "$SHOP${API}/orders/ord_…" -H 'X-Order-Token: …'
\`\`\`

**5. Sign in** for what is a user's own, or staff's. \`npm start\` prints an admin's address and password.

\`\`\`sh
curl -sS "$SHOP${API}/auth/token" -H 'Content-Type: application/json' -d '{"email": "…", "password": "…"}'
\`\`\`

Send the answer's \`access_token\` as \`Authorization: Bearer …\` (here: the button *Authorize*). It is good for
${ACCESS_TOKEN_MINUTES} minutes; \`POST ${API}/auth/refresh\` gives the next one for the \`refresh_token\`.

## What holds everywhere

- **Errors** are \`application/problem+json\` (RFC 9457). Programs go by \`code\`; [all codes](${ERRORS_PAGE}) have their
  meaning, and \`type\` leads to it. \`errors\` points at fields. \`request_id\` is what to tell us.
- **A name that is not known is refused**, in bodies and queries, with the one that was probably meant.
- **Money** is \`{"amount": "19.99", "currency": "USD"}\`: an exact decimal as text, never a float.
- **Lists** have \`count\`, \`has_next\` and \`next_cursor\`, which goes on as \`?cursor=\`.
- **Retries:** a POST that takes \`Idempotency-Key\` does its work once for each key and repeats its first answer for a day.
  After a 503 send the same request again, under the same key.
- **Edits:** \`ETag\` is the version that you read; \`If-Match\` refuses an edit of another one.
- **Limits:** \`RateLimit\` says what is left, and a 429 has \`Retry-After\`.
`.trim();

const ID = "01jcz4kq8rj2m5v0a7w9x3y6pd";
const STAMP = "2026-11-20T12:00:00.000Z";

/** What fields are called in examples: those of their name everywhere, where a schema has none of its own. */
const WORDS: Record<string, unknown> = {
  ...{
    count: 1,
    page: 1,
    page_size: 20,
    total_pages: 1,
    has_next: false,
    has_previous: false,
    next_cursor: null,
  },
  ...{ cursor: "WzE3NjM2NDAwMDAwMDAsIm9yZF8wMSJd", "if-none-match": '"1"', q: "mug", query: "mug" },
  ...ids(),
  ...people(),
  ...goods(),
  ...money(),
  ...{
    created_at: STAMP,
    updated_at: STAMP,
    at: STAMP,
    status_at: STAMP,
    delayed_at: STAMP,
    received_at: STAMP,
  },
  ...{ expires_at: STAMP, from: STAMP, to: STAMP },
  ...{
    notes: "Leave it with the neighbours",
    metadata: { campaign: "advent" },
    reason: "Agreed by phone",
    priority: "normal",
  },
  ...{ note: "By the morning van", tracking: "3SABC1234567", carrier: "PostNL", event_id: "evt_1" },
  ...{ subject: "Your order ORD-7K3F9QXM2A", text: "Thank you, Ada.", html: "<p>Thank you, Ada.</p>" },
  ...{ schema: "0061_carts", tables: ["categories"], table: "categories", object_id: `ord_${ID}` },
  ...{ generation: 1, next: null, schedule: "0 4 * * *", error: "a part is away", detail: "nothing to do" },
};

function ids() {
  return {
    ...{ id: ID, order_id: `ord_${ID}`, product_id: `prd_${ID}`, product_ids: [`prd_${ID}`] },
    ...{ store_id: `sto_${ID}`, from_store_id: `sto_${ID}`, to_store_id: "sto_01jcz4kq8rj2m5v0a7w9x3y6pe" },
    ...{
      category_id: `cat_${ID}`,
      payment_id: `pay_${ID}`,
      cart_id: `crt_${ID}`,
      reference: "ORD-7K3F9QXM2A",
    },
    ...{ request_id: ID, claim: `clm_${ID}`, operation: ID, batch_id: `bat_${ID}`, refund_id: `rfd_${ID}` },
    ...{ after: `prd_${ID}`, actor: `usr_${ID}` },
  };
}

/** People, and how they show who they are. */
function people() {
  return {
    ...{ name: "Ada Lovelace", email: "ada@shop.example", customer_email: "ada@shop.example" },
    ...{ phone: "+31 20 123 4567", line1: "Damrak 1", line2: "2nd floor", city: "Amsterdam", region: "NH" },
    ...{ postal_code: "1012 LG", address: "Damrak 1, Amsterdam", user_agent: "curl/8.5.0" },
    ...{ password: "correct horse battery", current_password: "correct horse battery" },
    ...{ new_password: "battery horse correct", access_token: "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl" },
    ...{ refresh_token: `ses_${ID}.c2VjcmV0`, token: "wJ4t7Zk2cY0Rj8b5", "x-cart-token": "wJ4t7Zk2cY0Rj8b5" },
    kid: "2026-11",
  };
}

function goods() {
  return {
    ...{
      sku: "MUG-BLUE",
      title: "Blue mug",
      product_title: "Blue mug",
      description: "Holds a third of a litre",
    },
    ...{ category: "Mugs", category_name: "Mugs", store_name: "Amsterdam", attributes: { colour: "blue" } },
    ...{ on_hand: 50, reserved: 2, available: 48, quantity: 2, units: 2, total_items: 2 },
    ...{ low_stock_threshold: 10, version: 1 },
  };
}

/** Two of what costs 19.99. */
function money() {
  const [one, two, none] = ["19.99", "39.98", "0.00"].map((amount) => ({ amount, currency: "USD" }));
  return {
    ...{ unit_price: one, subtotal: two, shipping: none, tax: none, duty: none, total: two },
    ...{ kept: two, refunded: none, expected_total: two, currency: "USD" },
    ...{ instructions: "Pay 39.98 USD and name ORD-7K3F9QXM2A.", client_secret: "pi_1_secret_2" },
  };
}

const bearerScheme = { type: "http", scheme: "bearer" };

export const REFERENCE: Reference = {
  start: START,
  license: { name: "MIT", identifier: "MIT" },
  base: API,
  ignoresToken: (path) => path.startsWith(`${API}/auth/`),
  words: WORDS,
  tags: [
    {
      name: "Accounts",
      description: "Sign in, renew tokens, and what is one's own. Admins give roles and API keys.",
    },
    { name: "Catalogue", description: "Products and categories: list, search, and edit as staff." },
    {
      name: "Carts",
      description: "Of guests and users, with the prices of now, until they are checked out.",
    },
    { name: "Orders", description: "Place, read, list, cancel; and what they come to." },
    { name: "Payments", description: "Pay an order, refund it, and hear from payment providers." },
    { name: "Stores", description: "Where stock is, and what each store has and serves." },
    { name: "Fulfilment", description: "For staff: ship, close, take back." },
    { name: "Inventory", description: "For staff: exact levels, their ledger, adjustments, transfers." },
    { name: "Operations", description: "For who runs the shop: health, metrics, jobs, tasks, reports." },
    {
      name: "Backup",
      description: "What `npm run backup` and `npm run restore` call. Use these commands, not the routes.",
    },
  ],
  securitySchemes: {
    bearer: {
      ...bearerScheme,
      bearerFormat: "JWT",
      description:
        `An \`access_token\` of \`POST ${API}/auth/token\` or \`/auth/register\`, good for ${ACCESS_TOKEN_MINUTES} minutes; ` +
        `\`POST ${API}/auth/refresh\` gives the next one. Programs send an API key instead, of \`POST ${API}/api-keys\`.`,
    },
    orderToken: {
      type: "apiKey",
      in: "header",
      name: "X-Order-Token",
      description: "A guest's order: the `access_token` that its placing was answered with, once.",
    },
    cartToken: {
      type: "apiKey",
      in: "header",
      name: "X-Cart-Token",
      description: `A guest's cart: the \`token\` that \`POST ${API}/carts\` was answered with, once.`,
    },
    metrics: { ...bearerScheme, description: "`METRICS_TOKEN`, where the shop has one." },
  },
  schemeOf: { "x-order-token": "orderToken", "x-cart-token": "cartToken" },
};
