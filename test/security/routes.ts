import { env } from "cloudflare:workers";
import { prefixed, systemIds } from "../../src/platform/ids.ts";
import { givenCart } from "../carts/shopping.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { fulfilmentRoutes, operationsRoutes } from "./routes-of-staff.ts";
import {
  CONTROLS,
  long,
  MISSING,
  NO_LINE,
  NO_QUANTITY,
  NO_TEXT,
  NOT_A_COUNT,
  NOT_A_FLAG,
  NOT_A_LINE,
  NOT_TEXT,
} from "./wrong-values.ts";

/** A shop that is open: something of each kind is there. */
export interface World {
  productId: string;
  storeId: string;
  otherStoreId: string;
  categoryId: string;
  orderId: string;
  /** Of two units, which staff ship and take back. */
  soldId: string;
  /** Of the sold order: all of it was captured. */
  paymentId: string;
  /** The customer's, with one of the product in it. */
  cartId: string;
  addressId: string;
  /** What a provider told: of the order, and of none. */
  flaggedId: string;
  unmatchedId: string;
  customer: SignedIn;
  staff: SignedIn;
  admin: SignedIn;
}

/** Units of the one product in its first store. */
export const UNITS = 50;

export async function givenWorld(): Promise<World> {
  const shop = await givenShop([[UNITS, 0]]);
  const [customer, staff, admin] = [await signIn(), await signIn("staff"), await signIn("admin")];
  const [productId = ""] = shop.productIds;
  const order = await placed(await post("/orders", basket({ [productId]: 1 }), customer.headers));
  const [storeId = "", otherStoreId = ""] = shop.storeIds;
  const [categoryId = ""] = shop.categoryIds;
  const sold = await placed(await post("/orders", basket({ [productId]: 2 }), customer.headers));
  return {
    ...{ productId, storeId, otherStoreId, categoryId, customer, staff, admin },
    ...{ orderId: order.id, soldId: sold.id, paymentId: await captured(sold.id) },
    addressId: await addressOf(customer),
    cartId: (await givenCart({ [productId]: 1 }, customer.headers)).id,
    ...{ flaggedId: await told("flagged", order.id), unmatchedId: await told("unmatched", null) },
  };
}

async function addressOf({ headers }: SignedIn): Promise<string> {
  return (await (await post("/me/addresses", ADDRESS, headers)).json<{ id: string }>()).id;
}

/** A payment that took all of an order's total. */
async function captured(orderId: string): Promise<string> {
  const id = prefixed("pay", systemIds.next());
  await env.DB.prepare(
    `INSERT INTO payments (id, order_id, provider, status, amount, currency, captured, refunded, stamp, created_at,
       updated_at)
     SELECT ?1, id, 'standard', 'succeeded', total, currency, total, 0, 'opened', created_at, created_at
     FROM orders WHERE id = ?2`,
  )
    .bind(id, orderId)
    .run();
  return id;
}

/** A payment event of 5.00 that waits for a person. */
async function told(state: "flagged" | "unmatched", orderId: string | null): Promise<string> {
  const operation = systemIds.next();
  const id = prefixed("evt", operation);
  await env.DB.prepare(
    `INSERT INTO payment_events (provider, event_id, order_id, reference, kind, amount, state, outcome, operation, stamp,
       received_at)
     VALUES ('standard', ?1, ?2, 'ORD-TYPO', 'succeeded', 500, ?3, ?3, ?4, ?4, 0)`,
  )
    .bind(id, orderId, state, operation)
    .run();
  return id;
}

/** A route that takes a body, with a body that it takes and what it must not take. */
export interface BodyRoute {
  method: "POST" | "PATCH" | "PUT" | "DELETE";
  path: string;
  /** The least that may call it. */
  as: "guest" | "customer" | "staff" | "admin";
  body: Record<string, unknown>;
  /** It does something without a body too. */
  bodiless?: true;
  /** Where in its body an object stands, besides the body itself: each must refuse what it does not know. */
  inside?: string[];
  /** What the valid body is answered: status, and code where it is a refusal. */
  answer: string;
  /** By the field that the refusal must name: values that are wrong there. */
  wrong: Record<string, unknown[]>;
}

/** The route as the API's document names it: `POST /orders/{id}/cancel`. */
export const patternOf = ({ method, path }: Pick<BodyRoute, "method" | "path">): string =>
  `${method} ${path
    .replace(/^\/inventory\/prd_\w+/, "/inventory/{product_id}")
    .replace(/\/items\/prd_\w+/, "/items/{product_id}")
    .replace(/^\/ops\/backup\/stock\/prd_\w+/, "/ops/backup/stock/{product_id}")
    .replace(/^(\/roles|\/jobs|\/ops\/backup\/tables)\/[^/]+/, "$1/{name}")
    .replace(/^(\/payments\/events)\/[^/]+\/[^/]+/, "$1/{provider}/{event_id}")
    .replace(/\/[a-z]{3}_\w{26}/, "/{id}")}`;

const ADDRESS = { name: "Ada", line1: "1 Main Street", line2: "Left", city: "Leiden", country: "NL" };

const WRONG_ADDRESS = {
  line1: [...NOT_A_LINE, 7, true, null, [], {}, "", long(201)],
  line2: [...NOT_A_LINE, 7, true, [], {}, "", long(201)],
  city: [...NOT_A_LINE, 7, true, null, [], {}, "", long(101)],
  region: [...NOT_A_LINE, 7, true, [], {}, "", long(101)],
  postal_code: [...NOT_A_LINE, 7, true, [], {}, "", long(21)],
  country: [7, null, "", "XX", "Netherlands"],
};

/** Every route that takes a body. A new one belongs in here. */
export function bodyRoutes(world: World): BodyRoute[] {
  const { productId, storeId, otherStoreId, categoryId, orderId, cartId, customer } = world;
  return [
    {
      method: "POST",
      path: "/orders/bulk",
      as: "guest",
      answer: "200",
      body: { orders: [basket({ [productId]: 1 })], mode: "independent" },
      wrong: { orders: [[], "x", Array(501).fill({})], mode: ["both", 1] },
    },
    {
      method: "POST",
      path: "/orders",
      as: "guest",
      answer: "201",
      inside: ["items.0", "customer", "shipping_address", "expected_total"],
      body: {
        items: [{ product_id: productId, quantity: 1 }],
        store_id: storeId,
        customer: { name: "Ada", email: "ada@shop.example", phone: "1" },
        shipping_address: { name: "Ada", line1: "1 Main Street", city: "Leiden", country: "NL" },
        priority: "low",
        payment_method: "invoice",
        expected_total: { amount: "19.99", currency: "USD" },
        notes: "n",
        metadata: { colour: "blue" },
      },
      wrong: {
        items: [[], {}, "x", 7, true, null, MISSING, Array(101).fill({ product_id: productId, quantity: 1 })],
        "items.0": [null, 7, "x", []],
        "items.0.quantity": NO_QUANTITY,
        "items.0.product_id": [7, true, null, [], {}, MISSING, "", long(65)],
        store_id: [7, true, [], {}, "", long(65)],
        customer: [7, "Ada", [], true],
        "customer.name": [...NO_LINE, long(201)],
        "customer.email": [
          ...NO_TEXT,
          "ada",
          "ada@",
          "@shop.example",
          "a b@shop.example",
          `${long(250)}@a.bc`,
        ],
        "customer.phone": [...NOT_A_LINE, 7, null, [], {}, "", long(41)],
        shipping_address: [7, "here", [], true],
        "shipping_address.name": NO_LINE,
        "shipping_address.line1": [...NO_LINE, long(201)],
        "shipping_address.line2": [...NOT_A_LINE, 7, null, ""],
        "shipping_address.region": NOT_A_LINE,
        "shipping_address.postal_code": NOT_A_LINE,
        "shipping_address.city": [...NO_LINE, long(101)],
        "shipping_address.country": [...NOT_TEXT, MISSING, "", "N", "NLD", "12", "Netherlands", "UK", "ZZ"],
        priority: [7, null, [], "urgent", "HIGH", ""],
        payment_method: [7, null, [], "cheque", "Card", ""],
        expected_total: [7, 19.99, true, [], {}, long(21), { amount: 19.99 }, { currency: "USD" }],
        notes: [...CONTROLS, 7, true, [], {}, long(2_001)],
        metadata: [
          { a: ["b\u0007"] },
          { "a\u0007": 1 },
          7,
          true,
          "x",
          [],
          { big: long(8_192) },
          { [long(101)]: 1 },
        ],
      },
    },
    {
      method: "POST",
      path: "/orders/lookup",
      as: "guest",
      answer: "202",
      body: { reference: "ORD-7K3F9QXM2A", email: "ada@shop.example" },
      wrong: { reference: [...NO_LINE, long(41)], email: [...NO_TEXT, "ada", "@shop.example"] },
    },
    {
      method: "PUT",
      path: `/carts/${cartId}/items/${productId}`,
      as: "customer",
      answer: "200",
      body: { quantity: 2 },
      wrong: { quantity: [...NOT_A_COUNT, 1_000_001, MISSING] },
    },
    {
      method: "POST",
      path: `/carts/${cartId}/items`,
      as: "customer",
      inside: ["items.0"],
      answer: "200",
      body: { items: [{ product_id: productId, quantity: 2 }] },
      wrong: {
        items: [7, "x", {}, null, [], [7], MISSING],
        "items.0.product_id": [...NOT_TEXT, "", long(65), MISSING],
        "items.0.quantity": [...NOT_A_COUNT, 1_000_001, MISSING],
      },
    },
    {
      method: "POST",
      path: `/carts/${cartId}/checkout`,
      as: "customer",
      bodiless: true,
      inside: ["customer"],
      answer: "201",
      body: {
        store_id: storeId,
        customer: { name: "Ada", email: "ada@shop.example" },
        priority: "low",
        payment_method: "invoice",
        notes: "n",
        metadata: { colour: "blue" },
      },
      wrong: {
        store_id: [7, true, [], {}, "", long(65)],
        customer: [7, "Ada", [], true],
        "customer.email": [...NO_TEXT, "ada"],
        shipping_address: [7, "here", [], true],
        priority: [7, null, [], "urgent", "HIGH", ""],
        payment_method: [7, null, [], "cheque", "Card", ""],
        expected_total: [7, 19.99, true, [], {}, long(21), { amount: 19.99 }],
        notes: [...CONTROLS, 7, true, [], {}, long(2_001)],
        metadata: [{ a: ["b\u0007"] }, { "a\u0007": 1 }, 7, true, "x", [], { big: long(8_192) }],
      },
    },
    {
      method: "PATCH",
      path: `/orders/${orderId}`,
      as: "customer",
      answer: "200",
      body: { shipping_address: { name: "Ada", line1: "1 High Street", city: "London", country: "GB" } },
      inside: ["shipping_address"],
      wrong: {
        shipping_address: [7, "here", [], true, null],
        "shipping_address.name": NO_TEXT,
        "shipping_address.city": NO_TEXT,
        "shipping_address.country": [...NO_TEXT, "Atlantis"],
      },
    },
    {
      method: "POST",
      path: `/orders/${orderId}/cancel`,
      as: "customer",
      bodiless: true,
      answer: "200",
      body: { reason: "r" },
      wrong: { reason: [...NOT_A_LINE, 7, true, null, [], {}, "", "  ", long(501)] },
    },
    {
      method: "POST",
      path: "/products",
      as: "staff",
      answer: "201",
      body: {
        sku: "NEW",
        title: "New",
        description: "",
        category_id: categoryId,
        price: { amount: "1.00", currency: "USD" },
        low_stock_threshold: 1,
        active: true,
        attributes: { a: 1 },
      },
      inside: ["price"],
      wrong: productFaults([MISSING]),
    },
    {
      method: "PATCH",
      path: `/products/${productId}`,
      as: "staff",
      answer: "200",
      body: { sku: "S", title: "T", category_id: categoryId, price: { amount: "2", currency: "EUR" } },
      inside: ["price"],
      wrong: productFaults([]),
    },
    {
      method: "POST",
      path: "/products/bulk",
      as: "staff",
      answer: "200",
      body: { products: [{ sku: "B", title: "B", category_id: categoryId, price: { amount: "1.00" } }] },
      wrong: { products: [[], {}, "x", 7, null, MISSING, Array(501).fill({ sku: "x" })] },
    },
    {
      method: "POST",
      path: "/categories",
      as: "staff",
      answer: "201",
      body: { name: "Other", description: "" },
      wrong: { name: [...NO_LINE, long(101)], description: [...CONTROLS, ...NOT_TEXT, long(2_001)] },
    },
    {
      method: "PATCH",
      path: `/categories/${categoryId}`,
      as: "staff",
      answer: "200",
      body: { name: "Renamed" },
      wrong: {
        name: [...NOT_A_LINE, ...NOT_TEXT, "", long(101)],
        description: [...CONTROLS, ...NOT_TEXT, long(2_001)],
      },
    },
    {
      method: "POST",
      path: "/stores",
      as: "staff",
      answer: "201",
      body: { name: "S", address: "", country: "NL", priority: 1 },
      wrong: {
        name: [...NO_LINE, long(201)],
        address: [...CONTROLS, ...NOT_TEXT, long(501)],
        country: [...NO_TEXT, "XX", "NLD", "Netherlands"],
        priority: [...NOT_A_COUNT, 1_000_001],
      },
    },
    {
      method: "PATCH",
      path: `/stores/${storeId}`,
      as: "staff",
      answer: "200",
      body: { name: "S2" },
      wrong: { name: [...NOT_A_LINE, ...NOT_TEXT, ""], country: [...NOT_TEXT, "XX"], priority: NOT_A_COUNT },
    },
    {
      method: "POST",
      path: `/inventory/${productId}/adjust`,
      as: "staff",
      answer: "201",
      body: { store_id: storeId, type: "add", quantity: 1, reason: "r", reference: "x" },
      wrong: {
        store_id: [7, true, null, [], {}, MISSING],
        type: [7, null, [], MISSING, "", "ADD", "steal", "opening", "ship"],
        quantity: [...NOT_A_COUNT, 0, 1e10, MISSING],
        reason: [...NO_LINE, long(501)],
        reference: [...NOT_A_LINE, 7, [], {}, "", long(201)],
      },
    },
    {
      method: "POST",
      path: `/inventory/${productId}/transfer`,
      as: "staff",
      answer: "201",
      body: { from_store_id: storeId, to_store_id: otherStoreId, quantity: 1, reason: "r" },
      wrong: {
        from_store_id: [7, null, [], MISSING],
        to_store_id: [7, null, [], MISSING, storeId],
        quantity: [...NOT_A_COUNT, 0, 1e10, MISSING],
        reason: [...NO_LINE, long(501)],
      },
    },
    {
      method: "POST",
      path: "/auth/register",
      as: "guest",
      answer: "201",
      body: { email: "new@shop.example", password: "long enough", name: "New" },
      wrong: {
        email: [...NO_TEXT, "new", "a@b@c.example", `${long(250)}@a.bc`],
        password: [...NOT_TEXT, MISSING, "", "9 letters", long(10_000)],
        name: [...NO_LINE, long(201), "a\nb"],
      },
    },
    {
      method: "POST",
      path: "/auth/token",
      as: "guest",
      answer: "200",
      body: { email: "new@shop.example", password: "long enough" },
      wrong: { email: [...NO_TEXT, long(255)], password: [...NOT_TEXT, MISSING, "", long(1_001)] },
    },
    {
      method: "POST",
      path: "/auth/password-reset",
      as: "guest",
      answer: "202",
      body: { email: "new@shop.example" },
      wrong: { email: [...NO_TEXT, long(255)] },
    },
    {
      method: "POST",
      path: "/auth/password-reset/confirm",
      as: "guest",
      answer: "422 token_spent token",
      body: { token: "a.b.c", password: "long enough" },
      wrong: {
        token: [...NOT_TEXT, MISSING, "", long(2_001)],
        password: [...NOT_TEXT, MISSING, "", "9 letters", long(10_000)],
      },
    },
    {
      method: "POST",
      path: "/auth/verify-email",
      as: "guest",
      answer: "422 token_spent token",
      body: { token: "spent" },
      wrong: { token: [...NOT_TEXT, MISSING, "", long(2_001)] },
    },
    {
      method: "POST",
      path: "/auth/refresh",
      as: "guest",
      answer: "401 invalid_refresh_token",
      body: { refresh_token: "rt" },
      wrong: { refresh_token: [...NOT_TEXT, MISSING, "", long(201)] },
    },
    {
      method: "POST",
      path: "/auth/logout",
      as: "guest",
      answer: "204",
      body: { refresh_token: "rt" },
      wrong: { refresh_token: [...NOT_TEXT, MISSING, "", long(201)] },
    },
    {
      method: "PATCH",
      path: "/me",
      as: "customer",
      answer: "200",
      body: { name: "N" },
      wrong: { name: [...NOT_A_LINE, ...NOT_TEXT, "", "  ", long(201), "a\tb"] },
    },
    {
      method: "POST",
      path: "/me/password",
      as: "customer",
      answer: "422 wrong_password current_password",
      body: { current_password: "wrong", new_password: "long enough" },
      wrong: {
        current_password: [...NOT_TEXT, MISSING, "", long(1_001)],
        new_password: [...NOT_TEXT, MISSING, "", "9 letters"],
      },
    },
    {
      method: "DELETE",
      path: "/me",
      as: "customer",
      answer: "422 wrong_password password",
      body: { password: "wrong" },
      wrong: { password: [...NOT_TEXT, MISSING, "", long(1_001)] },
    },
    {
      method: "POST",
      path: "/me/addresses",
      as: "customer",
      answer: "201",
      body: { ...ADDRESS, default: true },
      wrong: { ...WRONG_ADDRESS, default: NOT_A_FLAG, name: [...NOT_A_LINE, ...NOT_TEXT, MISSING, ""] },
    },
    {
      method: "PATCH",
      path: `/me/addresses/${world.addressId}`,
      as: "customer",
      answer: "200",
      body: { line2: "Left", region: null },
      wrong: { ...WRONG_ADDRESS, default: NOT_A_FLAG },
    },
    {
      method: "PATCH",
      path: `/users/${customer.id}`,
      as: "admin",
      answer: "200",
      body: { role: "customer", disabled: false },
      wrong: { role: [7, null, [], long(41)], disabled: NOT_A_FLAG },
    },
    {
      method: "POST",
      path: "/roles",
      as: "admin",
      answer: "201",
      body: { name: "florist", permissions: ["orders:read"] },
      wrong: {
        name: [...NOT_TEXT, MISSING, "", "Florist", "7th", "-x", "a b", long(41)],
        permissions: [7, "ops", null, {}, MISSING, ["everything"], [7], Array(50).fill("ops")],
      },
    },
    {
      method: "PATCH",
      path: "/roles/warehouse",
      as: "admin",
      answer: "200",
      body: { permissions: ["inventory:read"] },
      wrong: { permissions: [7, "ops", null, {}, ["everything"], [7]] },
    },
    {
      method: "POST",
      path: "/api-keys",
      as: "admin",
      answer: "201",
      body: { name: "Scanner", scopes: ["orders:read"], expires_at: null },
      wrong: {
        name: [...NOT_A_LINE, ...NOT_TEXT, MISSING, "", "  ", long(101)],
        scopes: [
          7,
          "ops",
          null,
          {},
          MISSING,
          [],
          ["everything"],
          ["account"],
          ["users"],
          [7],
          Array(50).fill("ops"),
        ],
        expires_at: [7, true, [], "", "tomorrow", "2020-01-01", "2020-01-01T00:00:00.000Z"],
      },
    },
    ...fulfilmentRoutes(world),
    ...operationsRoutes(world),
  ];
}

/** The body with another value at a dotted path. */
export function altered(body: Record<string, unknown>, path: string, value: unknown): unknown {
  const copy = structuredClone(body);
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const parent = keys.reduce<Record<string, unknown>>((part, key) => {
    part[key] ??= {};
    return part[key] as Record<string, unknown>;
  }, copy);
  if (value === MISSING) delete parent[last];
  else parent[last] = value;
  return copy;
}

function productFaults(missing: unknown[]): Record<string, unknown[]> {
  return {
    sku: [...NOT_A_LINE, ...NOT_TEXT, ...missing, "", "  ", long(101)],
    title: [...NOT_A_LINE, ...NOT_TEXT, ...missing, "", long(301)],
    description: [...CONTROLS, ...NOT_TEXT, long(10_001)],
    category_id: [...NOT_TEXT, ...missing, "", "cat_unknown", long(65)],
    price: [7, "1.00", null, [], ...missing],
    "price.amount": [
      ...[true, null, [], {}, MISSING, "", "-1", "1.001", "1e3", "1,00", " 1", "0x1"],
      ...[-1, 1.001, 1e300, "9".repeat(16), "9".repeat(41)],
    ],
    "price.currency": [7, null, [], "", "US", "XXX1", "BTC", "$"],
    low_stock_threshold: [...NOT_A_COUNT, 1e10],
    active: NOT_A_FLAG,
    attributes: [{ a: ["b\u0007"] }, 7, "x", null, [], true, { big: long(10_001) }],
  };
}

/** What of a world could change: rows of each table, and what Stock has of its product. */
export async function fingerprintOf(world: World): Promise<unknown> {
  const tables = "orders order_items claims work events users products categories stores product_history";
  const carts = "carts cart_items";
  const staffs = "shipments returns refunds job_runs shop_state";
  const counts = `${tables} ${carts} ${staffs}`
    .split(" ")
    .map((table) => env.DB.prepare(`SELECT '${table}', count(*) FROM ${table}`));
  const rows = await env.DB.batch([
    ...counts,
    env.DB.prepare("SELECT * FROM orders"),
    env.DB.prepare("SELECT * FROM products"),
    env.DB.prepare("SELECT * FROM users"),
  ]);
  const stock = env.STOCK.get(env.STOCK.idFromName(world.productId));
  return [rows.map(({ results }) => results), await stock.inventory()];
}
