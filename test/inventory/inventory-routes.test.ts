import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, STAMP } from "../catalog/api.ts";
import { givenCatalog } from "../support/catalog.ts";
import { givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";

let staff: Record<string, string>;
let staffId: string;
let product: string;
let [here, there]: string[] = [];

beforeEach(async () => {
  const signedIn = await signIn("staff");
  staff = signedIn.headers;
  staffId = signedIn.id;
  const shop = await givenShop([[10, 10]]);
  product = shop.productIds[0] ?? "";
  [here, there] = shop.storeIds.sort();
});

const read = (path: string, headers = staff) => api("GET", path, headers);
const stock = async () => (await read(`/inventory/${product}`)).body;
const adjust = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  api(
    "POST",
    `/inventory/${product}/adjust`,
    { ...staff, ...headers },
    { store_id: here, reason: "count", ...body },
  );
const transfer = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  api(
    "POST",
    `/inventory/${product}/transfer`,
    { ...staff, ...headers },
    { from_store_id: here, to_store_id: there, reason: "move", ...body },
  );
const hold = (claim: string, quantity: number) =>
  env.STOCK.get(env.STOCK.idFromName(product)).reserve(
    product,
    [{ claim, orderId: "ord_1", quantity, stores: [here ?? ""], only: true }],
    3_600_000,
  );

describe("a product's stock", () => {
  it("is exact, with its holds", async () => {
    await hold("clm_1", 3);
    expect(await stock()).toEqual({
      product_id: product,
      on_hand: 20,
      reserved: 3,
      available: 17,
      stores: [
        { store_id: here, on_hand: 10, reserved: 3, available: 7 },
        { store_id: there, on_hand: 10, reserved: 0, available: 10 },
      ],
      holds: [
        {
          claim: "clm_1",
          order_id: "ord_1",
          confirmed: false,
          allocations: [{ store_id: here, quantity: 3 }],
          ask_at: expect.stringMatching(STAMP),
        },
      ],
    });
  });

  it("of a product that was never stocked is nothing", async () => {
    const { productIds } = await givenCatalog({ products: 1 });
    const nothing = { on_hand: 0, reserved: 0, available: 0, stores: [], holds: [] };
    expect((await read(`/inventory/${productIds[0]}`)).body).toEqual({
      product_id: productIds[0],
      ...nothing,
    });
    expect((await read(`/inventory/${productIds[0]}/transactions`)).body.results).toEqual([]);
  });
});

describe("an adjustment", () => {
  it.each([
    ["add", 5, 15],
    ["receive", 5, 15],
    ["return", 5, 15],
    ["remove", 5, 5],
    ["damage", 5, 5],
    ["set", 3, 3],
    ["set", 0, 0],
  ])("%s %i of 10 leaves %i, and says what was before and after", async (type, quantity, left) => {
    const { status, body } = await adjust({ type, quantity, reference: "PO-1" });
    const before = { on_hand: 10, reserved: 0 };
    const after = { on_hand: left, reserved: 0 };
    expect(status).toBe(201);
    expect(body).toEqual({
      movement: {
        seq: 3,
        at: expect.stringMatching(STAMP),
        type,
        store_id: here,
        quantity: left - 10,
        before,
        after,
        actor: staffId,
        reason: "count",
        reference: "PO-1",
        order_id: null,
      },
      before,
      after,
    });
    expect(await stock()).toMatchObject({ on_hand: left + 10 });
  });

  it("never goes below what is reserved, and says how much that is", async () => {
    await hold("clm_1", 7);
    for (const change of [
      { type: "remove", quantity: 4 },
      { type: "set", quantity: 6 },
    ]) {
      expect(await adjust(change)).toMatchObject({
        status: 409,
        body: {
          code: "stock_reserved",
          errors: [{ field: "quantity", on_hand: 10, reserved: 7, available: 3, requested: change.quantity }],
        },
      });
    }
    expect((await adjust({ type: "remove", quantity: 3 })).status).toBe(201);
  });

  it("never goes above a thousand million", async () => {
    expect(await adjust({ type: "add", quantity: 1_000_000_000 })).toMatchObject({
      status: 409,
      body: { code: "too_many" },
    });
  });

  it("is made once under an Idempotency-Key, by twins as by retries", async () => {
    const key = { "Idempotency-Key": "delivery-7" };
    const twins = await Promise.all(
      Array.from({ length: 5 }, () => adjust({ type: "add", quantity: 5 }, key)),
    );
    expect(twins.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
    for (const twin of twins) expect(twin.body).toEqual(twins[0]?.body);
    expect(await stock()).toMatchObject({ on_hand: 25 });
    expect(await adjust({ type: "add", quantity: 6 }, key)).toMatchObject({
      status: 422,
      body: { code: "idempotency_key_reused" },
    });
  });

  it.each([
    ["quantity", { quantity: 0 }],
    ["quantity", { quantity: -1 }],
    ["quantity", { quantity: 1.5 }],
    ["quantity", { quantity: "2" }],
    ["quantity", { quantity: 1_000_000_001 }],
    ["quantity", { quantity: null }],
    ["type", { type: "steal" }],
    ["reason", { reason: "" }],
    ["store_id", { store_id: 7 }],
    ["store_id", { store_id: "sto_nowhere" }],
  ])("with a wrong %s is refused: %o", async (field, wrong) => {
    const { status, body } = await adjust({ type: "add", quantity: 1, ...wrong });
    expect({ status, field: body.errors[0].field }).toEqual({ status: 422, field });
    expect(await stock()).toMatchObject({ on_hand: 20 });
  });
});

describe("a transfer", () => {
  it("moves units: both movements, under one key once", async () => {
    const key = { "Idempotency-Key": "van-1" };
    const first = await transfer({ quantity: 6 }, key);
    expect(first).toMatchObject({
      status: 201,
      body: {
        movements: [
          { type: "transfer_out", store_id: here, quantity: -6, after: { on_hand: 4 } },
          { type: "transfer_in", store_id: there, quantity: 6, after: { on_hand: 16 } },
        ],
      },
    });
    expect((await transfer({ quantity: 6 }, key)).body).toEqual(first.body);
    expect(await stock()).toMatchObject({ on_hand: 20, stores: [{ on_hand: 4 }, { on_hand: 16 }] });
  });

  it("takes only free units, or none", async () => {
    await hold("clm_1", 7);
    expect(await transfer({ quantity: 4 })).toMatchObject({
      status: 409,
      body: { code: "stock_reserved", errors: [{ reserved: 7, available: 3 }] },
    });
    expect(await stock()).toMatchObject({ stores: [{ on_hand: 10 }, { on_hand: 10 }] });
  });

  it("needs two stores that exist", async () => {
    const fields = async (body: object) =>
      (await transfer({ quantity: 1, ...body })).body.errors.map((error: { field: string }) => error.field);
    expect(await fields({ to_store_id: here })).toEqual(["to_store_id"]);
    expect(await fields({ to_store_id: "sto_x" })).toEqual(["to_store_id"]);
    expect(await fields({ from_store_id: "sto_x", to_store_id: "sto_y" })).toEqual([
      "from_store_id",
      "to_store_id",
    ]);
  });
});

describe("the ledger", () => {
  it("is read newest first, by cursor", async () => {
    for (const quantity of [1, 2, 3]) await adjust({ type: "add", quantity });
    const path = `/inventory/${product}/transactions?page_size=2`;
    const first = (await read(path)).body;
    expect(first).toMatchObject({ count: null, has_next: true, has_previous: false });
    const second = (await read(`${path}&cursor=${first.next_cursor}`)).body;
    const third = (await read(`${path}&cursor=${second.next_cursor}`)).body;
    expect(third).toMatchObject({ has_next: false, has_previous: true, next_cursor: null });
    const seqs = [first, second, third].flatMap(({ results }) =>
      results.map(({ seq }: { seq: number }) => seq),
    );
    expect(seqs).toEqual([5, 4, 3, 2, 1]);
    expect(await read(`${path}&cursor=nonsense`)).toMatchObject({
      status: 400,
      body: { code: "invalid_query" },
    });
  });
});

describe("the list", () => {
  it("follows the stock a moment later, and says as of when", async () => {
    await vi.waitFor(async () => {
      const { body } = await read("/inventory");
      expect(body).toMatchObject({ count: 2, as_of: expect.stringMatching(STAMP) });
      expect(body.results[0]).toEqual({
        product_id: product,
        sku: expect.stringMatching(/^SKU-1-/),
        product_title: "Product 1",
        store_id: here,
        store_name: expect.stringMatching(/^Store [12]$/),
        on_hand: 10,
        reserved: 0,
        available: 10,
        low_stock_threshold: 10,
        updated_at: expect.stringMatching(STAMP),
      });
    }, 8_000);
  }, 15_000);
});

describe("the inventory", () => {
  const paths = (id: string) => [
    ["GET", "/inventory"],
    ["GET", `/inventory/${id}`],
    ["GET", `/inventory/${id}/transactions`],
    ["POST", `/inventory/${id}/adjust`],
    ["POST", `/inventory/${id}/transfer`],
  ];

  it("is the staff's: 401 for nobody, 403 for a customer", async () => {
    const { headers } = await signIn("customer");
    for (const [method = "", path = ""] of paths(product)) {
      const body = method === "POST" ? {} : undefined;
      expect((await api(method, path, {}, body)).status).toBe(401);
      expect((await api(method, path, headers, body)).status).toBe(403);
    }
  });

  it("knows no other products, and naming one makes no object", async () => {
    const before = (await listDurableObjectIds(env.STOCK)).length;
    for (const id of ["prd_nothing", "%F0%9F%92%A9", "a".repeat(900), "'; DROP TABLE products;--"]) {
      for (const [method = "", path = ""] of paths(id).slice(1)) {
        const body = {
          adjust: { store_id: here, type: "add", quantity: 1, reason: "r" },
          transfer: { from_store_id: here, to_store_id: there, quantity: 1, reason: "r" },
        }[path.split("/").at(-1) ?? ""];
        expect(await api(method, path, staff, body)).toMatchObject({
          status: 404,
          body: { code: "not_found" },
        });
      }
    }
    expect((await listDurableObjectIds(env.STOCK)).length).toBe(before);
  });
});
