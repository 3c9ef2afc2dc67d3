import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { ADA, ask, bearer, registerAda } from "../accounts/ask.ts";
import { owe } from "../events/rows.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";

interface Entry {
  id: number;
  at: string;
  actor: string;
  action: string;
  object: { type: string; id: string };
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  ip: string | null;
  request_id: string | null;
}

let admin: SignedIn;
let staff: SignedIn;
let shop: Awaited<ReturnType<typeof givenShop>>;
beforeEach(async () => {
  shop = await givenShop([[9, 0]]);
  admin = await signIn("admin");
  staff = await signIn("staff");
  await env.DB.exec("DROP TRIGGER audit_log_kept");
  await env.DB.exec("DELETE FROM audit_log");
});

async function log(query = ""): Promise<Entry[]> {
  const { status, body } = await ask("GET", `/audit-log${query}`, undefined, staff.headers);
  expect(status).toBe(200);
  return body.results as unknown as Entry[];
}

/** The log without what differs each time, the oldest first. */
const told = async (query = "") =>
  (await log(query))
    .reverse()
    .map(({ actor, action, object, before, after }) => [actor, action, object.id, before, after]);

describe("what staff change", () => {
  test("is written down with who, from where, when, and what it was", async () => {
    const { user } = await registerAda();
    const { headers } = admin;
    const from = { ...headers, "X-Request-Id": "req-7", "CF-Connecting-IP": "192.0.2.7" };
    await ask("PATCH", `/users/${user.id}`, { role: "staff", payment_methods: ["card"] }, from);
    const [entry, ...rest] = await log();
    expect(rest).toEqual([]);
    expect(entry).toEqual({
      id: expect.any(Number),
      at: new Date(testClock.now()).toISOString(),
      actor: admin.id,
      action: "user.updated",
      object: { type: "user", id: user.id },
      before: { role: "customer", payment_methods: null },
      after: { role: "staff", payment_methods: ["card"] },
      ip: "192.0.2.7",
      request_id: "req-7",
    });
  });

  test("is of each kind of thing", async () => {
    const [productId = ""] = shop.productIds;
    const [storeId = ""] = shop.storeIds;
    const { headers } = staff;
    const category = (await ask("POST", "/categories", { name: "Books" }, headers)).body;
    await ask("PATCH", `/categories/${category.id}`, { name: "Old books" }, headers);
    await ask("DELETE", `/categories/${category.id}`, undefined, headers);
    await ask("PATCH", `/products/${productId}`, { price: { amount: "7.00" } }, headers);
    await ask("PATCH", `/stores/${storeId}`, { priority: 7 }, headers);
    await ask("PATCH", "/jobs/clean-up", { enabled: false }, headers);
    await ask("POST", "/roles", { name: "florist", permissions: ["ops"] }, admin.headers);
    await ask("PATCH", "/roles/florist", { permissions: [] }, admin.headers);
    await ask("DELETE", "/roles/florist", undefined, admin.headers);
    const key = (await ask("POST", "/api-keys", { name: "Scanner", scopes: ["ops"] }, admin.headers)).body;
    await ask("DELETE", `/api-keys/${key.id}`, undefined, admin.headers);
    await ask("POST", "/ops/selling", { state: "stopped" }, admin.headers);
    const by = staff.id;
    expect(await told()).toEqual([
      [by, "category.created", category.id, null, { name: "Books", description: "" }],
      [by, "category.updated", category.id, { name: "Books" }, { name: "Old books" }],
      [by, "category.deleted", category.id, { name: "Old books", description: "" }, null],
      [by, "product.updated", productId, { price: 1999 }, { price: 700 }],
      [by, "store.updated", storeId, { priority: expect.any(Number) }, { priority: 7 }],
      [by, "job.created", "clean-up", null, { enabled: 0 }],
      [admin.id, "role.created", "florist", null, { permissions: ["ops"] }],
      [admin.id, "role.updated", "florist", { permissions: ["ops"] }, { permissions: [] }],
      [admin.id, "role.deleted", "florist", { permissions: [] }, null],
      [
        admin.id,
        "api_key.created",
        key.id,
        null,
        expect.objectContaining({ name: "Scanner", scopes: ["ops"] }),
      ],
      [admin.id, "api_key.updated", key.id, { revoked_at: null }, { revoked_at: testClock.now() }],
      [admin.id, "shop.created", "selling", null, { value: "stopped" }],
    ]);
  });

  test("is an order's steps, and its money", async () => {
    const [productId = ""] = shop.productIds;
    const order = await placed(await post("/orders", basket({ [productId]: 2 })));
    await ask("POST", `/orders/${order.id}/shipments`, {}, staff.headers);
    expect(await told()).toEqual([
      [staff.id, "order.updated", order.id, { status: "confirmed" }, { status: "shipped" }],
      [
        staff.id,
        "shipment.created",
        expect.stringMatching(/^shp_/),
        null,
        expect.objectContaining({ order_id: order.id }),
      ],
    ]);
  });

  test("is what became of tasks that were given up", async () => {
    for (const id of ["wrk_1", "wrk_2"]) {
      await owe({ id, task: "email", payload: { template: "order_confirmation", order_id: "ord_gone" } });
      await env.DB.prepare("UPDATE work SET state = 'dead', attempts = 8 WHERE id = ?").bind(id).run();
    }
    await ask("POST", "/dead-letters/wrk_1/retry", undefined, staff.headers);
    await ask("DELETE", "/dead-letters/wrk_2", undefined, staff.headers);
    expect((await told("?object_type=task")).map(([by, action, id]) => [by, action, id])).toEqual([
      [staff.id, "task.updated", "wrk_1"],
      [staff.id, "task.deleted", "wrk_2"],
    ]);
  });

  test("is what they ask of stock, before it is asked", async () => {
    const [productId = ""] = shop.productIds;
    const [storeId = ""] = shop.storeIds;
    const body = { store_id: storeId, type: "receive", quantity: 3, reason: "delivery" };
    const { status } = await ask("POST", `/inventory/${productId}/adjust`, body, staff.headers);
    expect(status).toBe(201);
    await ask("POST", "/inventory/prd_none/adjust", body, staff.headers);
    const what = { ...body, operation: expect.any(String) };
    expect(await told()).toEqual([[staff.id, "stock.adjusted", productId, null, what]]);
  });

  test("is nothing where nothing changed, was refused, or rolled back", async () => {
    const [productId = ""] = shop.productIds;
    await ask("PATCH", `/products/${productId}`, {}, staff.headers);
    await ask("PATCH", `/products/${productId}`, { category_id: "cat_none" }, staff.headers);
    await ask("PATCH", `/users/${admin.id}`, { role: "customer" }, admin.headers);
    await ask("PATCH", `/users/${admin.id}`, { role: "admin" }, staff.headers);
    expect(await log()).toEqual([]);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM acting").first("n")).toBe(0);
  });
});

test("nobody's password, address or name stands in it", async () => {
  const { user, access_token } = await registerAda();
  await ask("PATCH", `/users/${user.id}`, { role: "staff" }, admin.headers);
  const own = (await ask("POST", "/auth/token", ADA)).body;
  await ask("PATCH", "/me", { name: "Countess Lovelace" }, bearer(own.access_token));
  const change = { current_password: ADA.password, new_password: "difference engine" };
  await ask("POST", "/me/password", change, bearer(own.access_token));
  const [productId = ""] = shop.productIds;
  const order = await placed(await post("/orders", basket({ [productId]: 1 })));
  const customer = { name: "Grace Hopper", phone: "+31 6 1234" };
  await ask("PATCH", `/orders/${order.id}`, { customer, notes: "the key is below the mat" }, staff.headers);
  const entries = await log();
  expect(entries.map(({ action, after }) => [action, after])).toEqual([
    ["order.updated", { customer: "•", notes: "•" }],
    ["user.updated", { password_hash: "•" }],
    ["user.updated", { name: "•" }],
    ["user.updated", { role: "staff" }],
  ]);
  const text = JSON.stringify(entries);
  for (const secret of ["Lovelace", "Hopper", "scrypt", ADA.email, "1234", "mat", access_token]) {
    expect(text).not.toContain(secret);
  }
});

test("what customers do for themselves is not in it", async () => {
  const { access_token } = await registerAda();
  await ask("PATCH", "/me", { name: "Ada L." }, bearer(access_token));
  const [productId = ""] = shop.productIds;
  const order = await placed(await post("/orders", basket({ [productId]: 1 }), bearer(access_token)));
  await ask("POST", `/orders/${order.id}/cancel`, undefined, bearer(access_token));
  expect(await log()).toEqual([]);
});

test("what a program does stands there by its key", async () => {
  const made = await ask("POST", "/api-keys", { name: "Shop", scopes: ["orders:write"] }, admin.headers);
  const { id, secret } = made.body as unknown as { id: string; secret: string };
  const [productId = ""] = shop.productIds;
  const order = await placed(await post("/orders", basket({ [productId]: 1 }), bearer(secret)));
  await ask("POST", `/orders/${order.id}/cancel`, undefined, bearer(secret));
  expect((await told(`?actor=${id}`)).map(([, action, object]) => [action, object])).toEqual([
    ["order.created", order.id],
    ["order.updated", order.id],
  ]);
});

test("it is found by object, actor, action and time", async () => {
  const [productId = ""] = shop.productIds;
  const began = testClock.now();
  for (const [who, amount] of [
    [staff, "1.00"],
    [admin, "2.00"],
    [staff, "3.00"],
  ] as const) {
    testClock.advance(1_000);
    await ask("PATCH", `/products/${productId}`, { price: { amount } }, who.headers);
  }
  const { body: category } = await ask("POST", "/categories", { name: "Books" }, staff.headers);
  const prices = async (query: string) => (await log(query)).map(({ after }) => after?.price ?? after?.name);
  const product = `object_type=product&object_id=${productId}`;
  expect(await prices(`?${product}`)).toEqual([300, 200, 100]);
  expect(await prices("?object_type=category")).toEqual(["Books"]);
  expect(await prices(`?actor=${staff.id}`)).toEqual(["Books", 300, 100]);
  expect(await prices(`?actor=${staff.id}&${product}`)).toEqual([300, 100]);
  expect(await prices("?action=product.updated")).toEqual([300, 200, 100]);
  expect(await prices(`?${product}&action=category.created`)).toEqual([]);
  const at = (ms: number) => new Date(began + ms).toISOString();
  expect(await prices(`?${product}&from=${at(2_000)}`)).toEqual([300, 200]);
  expect(await prices(`?${product}&from=${at(1_500)}&to=${at(2_500)}`)).toEqual([200]);
  const page = (await ask("GET", `/audit-log?page_size=2`, undefined, staff.headers)).body;
  expect(page).toMatchObject({ count: 4, has_next: true });
  expect(await prices(`?page_size=2&cursor=${page.next_cursor}`)).toEqual([200, 100]);
  for (const [query, status] of [
    [`?object_id=${category.id}`, 400],
    [`?from=${at(2)}&to=${at(1)}`, 422],
    ["?cursor=x", 400],
    ["?who=me", 400],
  ]) {
    expect((await ask("GET", `/audit-log${query}`, undefined, staff.headers)).status).toBe(status);
  }
  expect((await ask("GET", "/audit-log", undefined, (await signIn()).headers)).status).toBe(403);
});

test("an order that ran out, and a refund that the shop owes, are the system's", async () => {
  const [productId = ""] = shop.productIds;
  const order = await placed(await post("/orders", basket({ [productId]: 1 }, { payment_method: "card" })));
  await env.DB.prepare("UPDATE orders SET status = 'expired', updated_at = 7 WHERE id = ?")
    .bind(order.id)
    .run();
  expect(await told()).toEqual([
    ["system", "order.updated", order.id, { status: "pending" }, { status: "expired" }],
  ]);
});

test("it is only ever added to", async () => {
  await ask("PATCH", "/jobs/clean-up", { enabled: false }, admin.headers);
  await expect(env.DB.prepare("UPDATE audit_log SET actor = 'nobody'").run()).rejects.toThrow(
    "only added to",
  );
});

test("nor is anything taken away", async () => {
  await env.DB.exec(
    "CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'only added to'); END",
  );
  await ask("PATCH", "/jobs/clean-up", { enabled: false }, admin.headers);
  await expect(env.DB.prepare("DELETE FROM audit_log").run()).rejects.toThrow("only added to");
  expect(await log()).toHaveLength(1);
});
