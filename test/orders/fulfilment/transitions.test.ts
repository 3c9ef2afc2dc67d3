import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { isoTimestamp } from "../../../src/platform/clock.ts";
import { testClock } from "../../support/clock.ts";
import { post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import { answerOf, levels, refusalOf } from "../ask.ts";
import { givenSold, staff } from "./staff.ts";

describe("a step by name", () => {
  test("takes an order from confirmed to delivered, and the stock with it", async () => {
    const { act, page, history, id: staffId } = await staff();
    const { id, productIds, storeIds } = await givenSold([[5]], [2]);
    const [product = ""] = productIds;

    const processing = await act(id, "transitions", { to: "processing", note: "  picked  " });
    expect([processing.status, processing.headers.get("ETag")]).toEqual([200, '"2"']);
    expect(processing.body).toMatchObject({ status: "processing", version: 2 });
    expect(await levels(product)).toMatchObject({ on_hand: 5, reserved: 2 });

    testClock.advance(1_000);
    const shipped = await act(id, "transitions", { to: "shipped" });
    expect(shipped.body).toMatchObject({
      status: "shipped",
      version: 3,
      items: [{ quantity: 2, allocations: [{ store_id: storeIds[0], quantity: 2, shipped: 2 }] }],
    });
    expect(await levels(product)).toMatchObject({ on_hand: 3, reserved: 0, available: 3 });

    const delivered = await act(id, "transitions", { to: "delivered" });
    expect(delivered.body).toMatchObject({ status: "delivered", version: 4 });
    expect(await levels(product)).toMatchObject({ on_hand: 3, reserved: 0 });

    expect((await page(id)).body).toMatchObject({
      version: 4,
      shipments: [
        {
          id: expect.stringMatching(/^shp_/),
          items: [{ product_id: product, store_id: storeIds[0], quantity: 2 }],
          tracking: null,
          carrier: null,
          created_at: isoTimestamp(testClock.now()),
        },
      ],
      returns: [],
    });
    const lines = await history(id);
    expect(lines).toMatchObject([
      { version: 1, from: null, to: "confirmed", actor: "guest" },
      { version: 2, from: "confirmed", to: "processing", actor: staffId, reason: "picked" },
      { version: 3, from: "processing", to: "shipped", actor: staffId, reason: null },
      { version: 4, from: "shipped", to: "delivered", actor: staffId },
    ]);
    const shippedOf = (line: (typeof lines)[number]) => line.snapshot.items[0]?.allocations[0]?.shipped;
    expect(lines.map(shippedOf)).toEqual([0, 0, 2, 2]);
  });

  test("is one event each, and leaves no work behind", async () => {
    const { act } = await staff();
    const { id } = await givenSold([[5]], [2]);
    for (const to of ["processing", "shipped", "delivered"]) await act(id, "transitions", { to });
    const { results } = await env.DB.prepare("SELECT type, object_version AS version FROM events").all();
    expect(results).toEqual([
      { type: "order.placed", version: 1 },
      { type: "order.processing", version: 2 },
      { type: "order.shipped", version: 3 },
      { type: "order.delivered", version: 4 },
    ]);
    const open = () => env.DB.prepare("SELECT count(*) AS n FROM work WHERE state <> 'done'").first("n");
    await expect.poll(open, { timeout: 5_000 }).toBe(0);
  });
});

describe("a step that is not in the table", () => {
  const card = { payment_method: "card" };
  const LEGAL: Record<string, string[]> = {
    pending: [],
    confirmed: ["processing"],
    processing: ["shipped"],
    shipped: ["delivered"],
    delivered: [],
    returned: [],
    cancelled: [],
  };

  test.each(Object.keys(LEGAL))(
    "of an order that is %s is a 409 that names those that are",
    async (status) => {
      const { act, page } = await staff();
      const { id, storeIds, productIds } = await givenSold([[5]], [2], status === "pending" ? card : {});
      const way = ["processing", "shipped", "delivered"];
      if (way.includes(status) || status === "returned") {
        for (const to of way.slice(0, status === "returned" ? 3 : way.indexOf(status) + 1)) {
          expect((await act(id, "transitions", { to })).status).toBe(200);
        }
      }
      if (status === "returned") {
        const items = [{ product_id: productIds[0], quantity: 2 }];
        await act(id, "returns", { items, store_id: storeIds[0], reason: "broken" });
      }
      if (status === "cancelled") await act(id, "cancel");
      const before = (await page(id)).body;
      expect(before.status).toBe(status);

      for (const to of way.filter((step) => !LEGAL[status]?.includes(step))) {
        const refused = await act(id, "transitions", { to });
        expect(refusalOf(refused)).toEqual([409, "illegal_transition"]);
        expect(refused.body).toMatchObject({ order_status: status, allowed: LEGAL[status] });
      }
      expect((await page(id)).body).toEqual(before);
    },
  );
});

describe("If-Match", () => {
  test.each([
    ['"1"', 200],
    ['W/"1"', 200],
    ["*", 200],
    ['"2"', 412],
    ["1", 412],
  ])("%s: %i", async (ifMatch, status) => {
    const { act, page } = await staff();
    const { id } = await givenSold([[5]], [2]);
    const answer = await act(id, "transitions", { to: "processing" }, { "If-Match": ifMatch });
    expect(answer.status).toBe(status);
    expect((await page(id)).body.version).toBe(status === 200 ? 2 : 1);
  });
});

describe("under a key", () => {
  test("ten at a time take one step, and all are told so", async () => {
    const { act, way } = await staff();
    const { id } = await givenSold([[5]], [2]);
    const headers = { "Idempotency-Key": "step" };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => act(id, "transitions", { to: "processing" }, headers)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await way(id)).toEqual(["confirmed", "processing"]);
    expect(refusalOf(await act(id, "transitions", { to: "shipped" }, headers))[1]).toBe(
      "idempotency_key_reused",
    );
  });

  test("without one, one of ten at a time takes it", async () => {
    const { act, way } = await staff();
    const { id } = await givenSold([[5]], [2]);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => act(id, "transitions", { to: "processing" })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)]);
    expect(await way(id)).toEqual(["confirmed", "processing"]);
  });

  test("a step whose answer was never kept recognises itself, If-Match and all", async () => {
    const { act, way } = await staff();
    const { id } = await givenSold([[5]], [2]);
    const headers = { "Idempotency-Key": "step", "If-Match": '"1"' };
    const first = await act(id, "transitions", { to: "processing" }, headers);
    await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
    const again = await act(id, "transitions", { to: "processing" }, headers);
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(await way(id)).toEqual(["confirmed", "processing"]);
  });
});

const BODIES = {
  transitions: { to: "processing" },
  shipments: {},
  close: {},
  returns: { items: [{ product_id: "prd_x", quantity: 1 }], store_id: "sto_x", reason: "why" },
} as const;
const ACTIONS = Object.keys(BODIES) as (keyof typeof BODIES)[];

describe.each(ACTIONS)("POST …/%s", (action) => {
  test("is for staff and admins alone", async () => {
    const { id, token } = await givenSold([[5]], [2]);
    const buyer = await signIn();
    const path = `/orders/${id}/${action}`;
    expect(refusalOf(await answerOf(post(path, BODIES[action], token)))).toEqual([401, "unauthenticated"]);
    expect(refusalOf(await answerOf(post(path, BODIES[action], buyer.headers)))).toEqual([403, "forbidden"]);
    const { page } = await staff();
    expect((await page(id)).body.version).toBe(1);
  });

  test("of an order that is not there is a 404", async () => {
    const { act } = await staff();
    for (const id of ["ord_nothing", "ORD-NOTHING", "'; --", "%00"]) {
      expect((await act(id, action, BODIES[action])).status).toBe(404);
    }
  });

  test("takes a reference for an id", async () => {
    const { act, page } = await staff();
    const { id } = await givenSold([[5]], [2]);
    const { reference } = (await page(id)).body;
    expect((await act(reference, action, BODIES[action])).status).not.toBe(404);
  });
});

test.each([
  ["transitions", {}, "to"],
  ["transitions", { to: "returned" }, "to"],
  ["transitions", { to: "cancelled" }, "to"],
  ["transitions", { to: 1 }, "to"],
  ["transitions", { to: "processing", note: "x".repeat(501) }, "note"],
  ["shipments", { items: [] }, "items"],
  ["shipments", { items: [{ product_id: "prd_x", quantity: 0 }] }, "items.0.quantity"],
  ["shipments", { items: [{ product_id: "prd_x", quantity: 1.5 }] }, "items.0.quantity"],
  ["shipments", { items: [{ quantity: 1 }] }, "items.0.product_id"],
  ["shipments", { store_id: "" }, "store_id"],
  ["shipments", { tracking: "" }, "tracking"],
  ["close", { reason: 7 }, "reason"],
  ["returns", { ...BODIES.returns, items: [] }, "items"],
  ["returns", { ...BODIES.returns, reason: " " }, "reason"],
  ["returns", { items: BODIES.returns.items, reason: "why" }, "store_id"],
  ["returns", { ...BODIES.returns, items: [{ product_id: "p", quantity: -1 }] }, "items.0.quantity"],
  [
    "returns",
    { ...BODIES.returns, items: [{ product_id: "p", quantity: 1, restock: "yes" }] },
    "items.0.restock",
  ],
] as const)("%s of %j is a 422 at %s", async (action, body, field) => {
  const { act, page } = await staff();
  const { id } = await givenSold([[5]], [2]);
  expect(refusalOf(await act(id, action, body))).toEqual([422, "invalid_body", field]);
  expect((await page(id)).body.version).toBe(1);
});
