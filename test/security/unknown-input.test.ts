import { exports } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { basket, get, post } from "../support/shop.ts";
import { JSON_TYPE, outcomeOf } from "./outcomes.ts";
import {
  altered,
  type BodyRoute,
  bodyRoutes,
  fingerprintOf,
  givenWorld,
  patternOf,
  type World,
} from "./routes.ts";

/** A field or a parameter that an operation does not have is refused, and named, whatever the operation is. */

let world: World;
let routes: Map<string, BodyRoute>;
beforeEach(async () => {
  world = await givenWorld();
  routes = new Map(bodyRoutes(world).map((route) => [patternOf(route), route]));
});

interface Operation {
  requestBody?: unknown;
  parameters?: { name: string; in: string; required?: boolean }[];
}

const METHODS = ["get", "post", "put", "patch", "delete"];
/** A provider sends more than we read, and a query is none of our concern: its signature is over the body. */
const LOOSE = ["POST /webhooks/payments/standard", "POST /webhooks/payments/stripe"];
/** What a query must have. */
const NEEDED: Record<string, string> = {
  "GET /ops/backup/changes": "after=0",
  "GET /ops/backup/stock": "product_ids=prd_x",
  "GET /ops/backup/movements": "since=2026-11-20T00:00:00Z",
  "GET /search/suggest": "q=mug",
};

/** Every operation of the API's own document. Those outside `/api/v1` are named by their whole path. */
async function describedOperations(): Promise<
  { name: string; method: string; url: string; hasBody: boolean }[]
> {
  const { paths } = await (await exports.default.fetch("http://shop.test/openapi.json")).json<{
    paths: Record<string, Record<string, Operation>>;
  }>();
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((verb) => {
      const method = verb.toUpperCase();
      const name = `${method} ${path.replace("/api/v1", "")}`;
      const base = path.startsWith("/api/v1") ? "/api/v1" : "";
      const url = `${base}${routes.get(name)?.path ?? filled(path.replace("/api/v1", ""))}`;
      return { name, method, url, hasBody: item[verb]?.requestBody !== undefined };
    }),
  );
}

/** A path with what is there by its names. */
function filled(path: string): string {
  const { orderId, productId, categoryId, storeId, cartId, customer } = world;
  const byRoom: Record<string, string> = {
    ...{ orders: orderId, products: productId, categories: categoryId, stores: storeId, carts: cartId },
    users: customer.id,
  };
  return path
    .replace("{product_id}", productId)
    .replace("{id}", byRoom[path.split("/")[1] ?? ""] ?? "none")
    .replace("/tables/{name}", "/tables/categories")
    .replace(/\{\w+\}/g, "none");
}

const send = (method: string, url: string, body?: unknown, as = world.admin.headers) =>
  exports.default.fetch(`http://shop.test${url}`, {
    method,
    headers: { ...as, ...(body === undefined ? {} : JSON_TYPE) },
    body: body === undefined ? null : JSON.stringify(body),
  });

async function told(response: Response): Promise<string> {
  const text = await response.text();
  if (response.status < 400) return String(response.status);
  const { code, errors = [] } = JSON.parse(text);
  return [response.status, code, ...errors.map(({ field }: { field: string }) => field)].join(" ");
}

/** Each in the name of the least that may call it, so that nothing but the unknown name is wrong. */
const callerOf = (name: string) => {
  const as = routes.get(name)?.as ?? "admin";
  return as === "guest" ? {} : (world[as].headers as { Authorization: string });
};

test("every operation refuses a parameter that it does not have, and every body a field", async () => {
  const operations = await describedOperations();
  expect(operations.length).toBeGreaterThan(75);
  expect(operations.filter(({ name }) => LOOSE.includes(name)).map(({ name }) => name)).toHaveLength(2);
  const before = await fingerprintOf(world);
  const seen: string[] = [];
  const expected: string[] = [];
  for (const { name, method, url, hasBody } of operations.filter(({ name }) => !LOOSE.includes(name))) {
    const as = callerOf(name) as { Authorization: string };
    const body = routes.get(name)?.body;
    if (hasBody !== (body !== undefined)) throw new Error(`what is the body of ${name}?`);
    const query = [NEEDED[name], "frobnicate=1"].filter((part) => part !== undefined).join("&");
    seen.push(`${name}: ${await told(await send(method, `${url}?${query}`, body, as))}`);
    expected.push(`${name}: 400 unknown_field frobnicate`);
    if (method === "GET") continue;
    seen.push(`${name}, a field: ${await told(await send(method, url, { ...body, frobnicate: 1 }, as))}`);
    expected.push(`${name}, a field: 422 unknown_field frobnicate`);
  }
  expect(seen).toEqual(expected);
  expect(await fingerprintOf(world)).toEqual(before);
});

test("what stands inside a body refuses it too, by its whole path", async () => {
  const before = await fingerprintOf(world);
  const seen: string[] = [];
  const expected: string[] = [];
  for (const [name, { inside = [], ...route }] of routes) {
    for (const where of inside) {
      const body = altered(route.body, `${where}.frobnicate`, 1);
      seen.push(`${name}: ${await told(await send(route.method, `/api/v1${route.path}`, body))}`);
      expected.push(`${name}: 422 unknown_field ${where}.frobnicate`);
    }
  }
  expect(seen).toEqual(expected);
  expect(seen.length).toBeGreaterThan(10);
  expect(await fingerprintOf(world)).toEqual(before);
});

test("a body where none is taken is refused, unless it is empty", async () => {
  const taken = { "/carts": "201", [`/orders/${world.orderId}/payments`]: "409 not_payable" };
  for (const [path, answer] of Object.entries(taken)) {
    expect(await told(await post(path, {}, world.customer.headers)), path).toBe(answer);
    expect(await told(await post(path, [], world.customer.headers)), path).toBe("422 invalid_body ");
    expect(await told(await post(path, { amount: "1" }, world.customer.headers)), path).toBe(
      "422 unknown_field amount",
    );
    const broken = { method: "POST", path, headers: { ...JSON_TYPE, ...world.customer.headers }, body: "{" };
    expect(await outcomeOf(broken), path).toBe("400 invalid_json");
  }
});

interface Told {
  detail: string;
  errors: { field: string; code: string; message: string; did_you_mean?: string }[];
}

const MEANT: [what: string, ask: () => Promise<Response>, field: string, message: string][] = [
  [
    "a letter that is missing",
    () => post("/orders", basket({ [world.productId]: 1 }, { payment_metod: "card" })),
    "payment_metod",
    "is not known here: did you mean payment_method?",
  ],
  [
    "another way of writing",
    () => post("/orders", basket({ [world.productId]: 1 }, { paymentMethod: "card" })),
    "paymentMethod",
    "is not known here: did you mean payment_method?",
  ],
  [
    "inside an item",
    () => post("/orders", { ...basket({}), items: [{ product_id: world.productId, quantty: 1 }] }),
    "items.0.quantty",
    "is not known here: did you mean quantity?",
  ],
  [
    "inside one of two forms",
    () => post("/orders", basket({ [world.productId]: 1 }, { expected_total: { amont: "1", amount: "1" } })),
    "expected_total.amont",
    "is not known here: did you mean amount?",
  ],
  [
    "a part of a parameter's name",
    () => get("/orders?email=ada@shop.example", world.staff.headers),
    "email",
    "is not known here: did you mean customer_email?",
  ],
  [
    "what no parameter is like",
    () => get("/products?q=lamp"),
    "q",
    "is not known here; known are page, page_size, cursor, category, sku, active, sort",
  ],
  [
    "where there is no parameter",
    () => get("/inventory/summary?x=1", world.staff.headers),
    "x",
    "is not known here",
  ],
];

test.each(MEANT)("the nearest name is told: %s", async (_, ask, field, message) => {
  const answer = await (await ask()).json<Told>();
  const error = answer.errors.find((one) => one.field === field);
  expect(error).toMatchObject({ code: "unknown_field", message });
  const near = /did you mean (\w+)\?/.exec(message)?.[1];
  expect(error?.did_you_mean).toBe(near);
  expect(answer.detail).toContain(near === undefined ? field : `${field}: did you mean ${near}?`);
});

test("an item of a bulk is refused alone, with the nearest name", async () => {
  const orders = [basket({ [world.productId]: 1 }), basket({ [world.productId]: 1 }, { note: "x" })];
  const placed = await (await post("/orders/bulk", { orders })).json<{ results: { problem?: Told }[] }>();
  expect(placed.results[1]?.problem).toMatchObject({
    code: "unknown_field",
    errors: [{ field: "note", did_you_mean: "notes" }],
  });
  const product = { sku: "B", title: "B", category_id: world.categoryId, price: { amount: "1.00" } };
  const products = [product, { ...product, sku: "C", stock: [{ store: world.storeId, quantity: 1 }] }];
  const made = await (await post("/products/bulk", { products }, world.staff.headers)).json<{
    results: { status: string; errors?: object[] }[];
  }>();
  expect(made.results).toMatchObject([
    { status: "created" },
    {
      status: "failed",
      errors: [{ field: "stock.0.store_id" }, { field: "stock.0.store", did_you_mean: "store_id" }],
    },
  ]);
});

test("metadata and attributes are free inside", async () => {
  const free = { anything: { goes: [1, { payment_metod: "x" }] } };
  const order = await post("/orders", basket({ [world.productId]: 1 }, { metadata: free }));
  expect(await told(order)).toBe("201");
  const product = {
    sku: "A",
    title: "A",
    category_id: world.categoryId,
    price: { amount: "1" },
    attributes: free,
  };
  expect(await told(await post("/products", product, world.staff.headers))).toBe("201");
});

test("no more than 20 unknown names are told, each cut off, however many there are", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, index) => [`${"x".repeat(200)}${index}`, 1]),
  );
  const { errors } = await (await post("/orders", basket({ [world.productId]: 1 }, many))).json<Told>();
  expect(errors).toHaveLength(20);
  expect(errors[0]?.field).toBe("x".repeat(100));
});
