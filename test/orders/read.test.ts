import { describe, expect, test } from "vitest";
import { basket, givenShop, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { type Answer, answerOf, askUnder, cancel, order, read, refusalOf, tokenOf } from "./ask.ts";

const NOT_THERE = [404, "not_found"];
const SUB_ROUTES: ["GET" | "POST", string][] = [
  ["GET", ""],
  ["GET", "/history"],
  ["POST", "/cancel"],
];

async function givenOrder(headers?: Record<string, string>): Promise<Answer> {
  const { productIds } = await givenShop([[5]]);
  return order(basket({ [productIds[0] ?? ""]: 1 }), headers);
}

test("an order is read by its id, or by its reference in any case", async () => {
  const placed = await givenOrder();
  const { access_token: _, ...answered } = placed.body;
  const { id, reference } = placed.body;
  for (const name of [id, reference, reference.toLowerCase(), `${id}/`]) {
    const page = await read(`/orders/${name}`, tokenOf(placed));
    expect([page.status, page.headers.get("ETag")]).toEqual([
      200,
      expect.stringMatching(/^"1\.[0-9a-f]{16}"$/),
    ]);
    expect(page.headers.get("Cache-Control")).toBe("no-store");
    expect(page.body).toEqual({ ...answered, payments: [], shipments: [], returns: [] });
  }
});

test("what a client has already is a 304 with the same headers, until anything on the page changes", async () => {
  const { productIds } = await givenShop([[5]]);
  const placed = await order(basket({ [productIds[0] ?? ""]: 1 }, { payment_method: "card" }));
  const path = `/orders/${placed.body.id}`;
  const token = tokenOf(placed);
  const seen = async () => {
    const page = await read(path, token);
    return { page, tag: page.headers.get("ETag") ?? "none" };
  };
  const { page, tag } = await seen();
  for (const given of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
    const same = await read(path, { ...token, "If-None-Match": given });
    expect([given, same.status, same.text]).toEqual([given, 304, ""]);
    for (const name of ["ETag", "Cache-Control", "Vary"]) {
      expect([name, same.headers.get(name)]).toEqual([name, page.headers.get(name)]);
    }
  }
  for (const given of ['"1"', '"other"', "", tag.replaceAll('"', "")]) {
    expect([given, (await read(path, { ...token, "If-None-Match": given })).status]).toEqual([given, 200]);
  }
  // A payment is begun without a version of the order, and staff see more than the buyer.
  const { headers: staff } = await signIn("staff");
  expect((await read(path, { ...staff, "If-None-Match": tag })).status).toBe(200);
  const paid = await answerOf(post(`${path}/payments`, undefined, token));
  expect(paid.status).toBe(201);
  expect((await read(path, { ...token, "If-None-Match": tag })).status).toBe(200);
  // Whose it is not is told nothing by it, and the version in the tag is what an If-Match compares.
  expect(refusalOf(await read(path, { "If-None-Match": "*" }))).toEqual(NOT_THERE);
  const stale = { ...token, "If-Match": '"7.0f1e2d3c4b5a6978"' };
  expect(refusalOf(await cancel(placed.body.id, stale))).toEqual([412, "stale"]);
  expect((await cancel(placed.body.id, { ...token, "If-Match": (await seen()).tag })).status).toBe(200);
});

describe("whose it is", () => {
  test("a guest's order is read with its token, by staff, and by nobody else", async () => {
    const placed = await givenOrder();
    const another = await givenOrder();
    const [customer, staff, admin] = [await signIn(), await signIn("staff"), await signIn("admin")];
    const token = tokenOf(placed);
    const wrong = [
      {},
      { "X-Order-Token": "" },
      { "X-Order-Token": "x".repeat(43) },
      { "X-Order-Token": `${token["X-Order-Token"]}x` },
      { "X-Order-Token": token["X-Order-Token"].toUpperCase() },
      tokenOf(another),
      customer.headers,
    ];
    for (const name of [placed.body.id, placed.body.reference]) {
      for (const path of [`/orders/${name}`, `/orders/${name}/history`]) {
        for (const headers of wrong) expect(refusalOf(await read(path, headers))).toEqual(NOT_THERE);
        for (const headers of [token, staff.headers, admin.headers, { ...customer.headers, ...token }]) {
          expect((await read(path, headers)).status).toBe(200);
        }
      }
    }
  });

  test("a user's order is theirs and staff's: no token opens it", async () => {
    const [owner, other, staff] = [await signIn(), await signIn(), await signIn("staff")];
    const placed = await givenOrder(owner.headers);
    const path = `/orders/${placed.body.id}`;
    const wrong: Record<string, string>[] = [
      {},
      other.headers,
      { "X-Order-Token": "" },
      { "X-Order-Token": "null" },
    ];
    for (const headers of wrong) {
      expect(refusalOf(await read(path, headers))).toEqual(NOT_THERE);
    }
    for (const { headers } of [owner, staff]) expect((await read(path, headers)).status).toBe(200);
    const forged = { Authorization: `${owner.headers.Authorization}x` };
    expect(refusalOf(await read(path, forged))).toEqual([401, "invalid_token"]);
  });

  test("who cannot see it is told the same as of one that is not there", async () => {
    const placed = await givenOrder();
    const [hidden, missing] = [await read(`/orders/${placed.body.id}`), await read("/orders/ord_nothing")];
    const { request_id: _, ...told } = hidden.body;
    expect(missing.body).toMatchObject(told);
  });
});

const GARBAGE = [
  "ord_01jd0000000000000000000000",
  "ORD-0000000000",
  "ord_",
  "0",
  "null",
  "-1",
  "%00",
  "ORD-%00",
  "ord_%F0%9F%98%80",
  "%ff%fe",
  "%",
  "%2e%2e%2f%2e%2e",
  "'%20OR%20'1'='1",
  "1;%20DROP%20TABLE%20orders;--",
  "ORD-%25",
  "ORD-_",
  "*",
  "__proto__",
  "x".repeat(4_000),
];

test.each(GARBAGE)("there is no order %s, whoever asks and for whatever", async (name) => {
  const { headers } = await signIn("staff");
  for (const [method, sub] of SUB_ROUTES) {
    for (const who of [{}, headers, { "X-Order-Token": "x" }] as Record<string, string>[]) {
      const answer = await askUnder({}, method, `/orders/${name}${sub}`, undefined, who);
      expect([...refusalOf(answer), method, sub]).toEqual([...NOT_THERE, method, sub]);
    }
  }
});

test("a name that almost fits is not enough", async () => {
  const placed = await givenOrder();
  const { id, reference } = placed.body;
  for (const name of [
    `${id}x`,
    id.slice(0, -1),
    `${reference}%00`,
    `${reference}%20`,
    `${id}%00`,
    id.slice(4),
  ]) {
    expect(refusalOf(await read(`/orders/${name}`, tokenOf(placed)))).toEqual(NOT_THERE);
  }
});

test("what an order knows no way to do is 405, and what is not there 404", async () => {
  const placed = await givenOrder();
  const path = `/orders/${placed.body.id}`;
  expect(refusalOf(await askUnder({}, "DELETE", path, undefined, tokenOf(placed)))).toEqual([
    405,
    "method_not_allowed",
  ]);
  expect(refusalOf(await read(`${path}/nothing`, tokenOf(placed)))).toEqual(NOT_THERE);
});
