import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { basket, post } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { askUnder, read, refusalOf } from "./ask.ts";
import { givenSold, type Sold } from "./fulfilment/staff.ts";

const OLD = { name: "Ada", line1: "1 High Street", city: "London", postal_code: "N1 1AA", country: "GB" };
const NEW = { name: "Ada", line1: "2 Low Street", city: "Leeds", country: "GB" };

let staff: SignedIn;
let sold: Sold;
beforeEach(async () => {
  staff = await signIn("staff");
  sold = await givenSold([[9], [9]], [1, 1], { shipping_address: OLD });
});

const change = (
  address: object | undefined = NEW,
  headers: Record<string, string> = staff.headers,
  id = sold.id,
) => askUnder({}, "PATCH", `/orders/${id}`, { shipping_address: address }, headers);
const act = (action: string, body: unknown = {}, headers = staff.headers) =>
  post(`/orders/${sold.id}/${action}`, body, headers);
const page = async () => (await read(`/orders/${sold.id}`, staff.headers)).body;
const set = (columns: string) =>
  env.DB.prepare(`UPDATE orders SET ${columns} WHERE id = ?1`).bind(sold.id).run();
const ships = (quantity: number) => ({ items: [{ product_id: sold.productIds[0], quantity }] });

test("the order goes to the new address, and its history keeps both, with who changed it and when", async () => {
  const before = await page();
  const changed = await change();
  expect([changed.status, changed.headers.get("ETag")]).toEqual([200, '"2"']);
  expect(changed.body.shipping_address).toEqual(NEW);
  expect(await page()).toMatchObject({
    ...{ shipping_address: NEW, status: "confirmed", version: 2 },
    ...{ totals: before.totals, customer: before.customer, items: before.items },
  });
  const { body } = await read(`/orders/${sold.id}/history`, staff.headers);
  expect(body.results[1]).toMatchObject({
    ...{ version: 2, kind: "details", from: "confirmed", to: "confirmed", at: changed.body.updated_at },
    actor: expect.stringContaining(staff.id),
    snapshot: { shipping_address: NEW, previous: { shipping_address: OLD }, status: "confirmed" },
  });
  // Of an order that had none.
  await set("shipping_address = NULL");
  await change(OLD);
  const { results } = (await read(`/orders/${sold.id}/history`, staff.headers)).body;
  expect(results[2].snapshot).toMatchObject({ shipping_address: OLD, previous: { shipping_address: null } });
  const events = await env.DB.prepare("SELECT type, data FROM events WHERE object_id = ?1 ORDER BY seq")
    .bind(sold.id)
    .all<{ type: string; data: string }>();
  expect(events.results.map(({ type }) => type)).toEqual([
    "order.placed",
    "order.details_changed",
    "order.details_changed",
  ]);
  // The log of events, which is kept longer and for more people, has no address.
  expect(JSON.stringify(events.results)).not.toContain("Street");
});

test("the same address, and none, change nothing", async () => {
  await change();
  const { city, ...rest } = NEW;
  for (const address of [NEW, { city, ...rest }, undefined]) {
    const again = await change(address);
    expect([again.status, again.body.version]).toEqual([200, 2]);
  }
});

test("If-Match and Idempotency-Key are honoured", async () => {
  expect(refusalOf(await change(NEW, { ...staff.headers, "If-Match": '"7"' }))).toEqual([412, "stale"]);
  const key = { ...staff.headers, "Idempotency-Key": "key-1" };
  const first = await change(NEW, key);
  await change(OLD);
  const again = await change(NEW, key);
  expect([again.status, again.text]).toEqual([200, first.text]);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect((await page()).shipping_address).toEqual(OLD);
});

describe("until when", () => {
  type Who = "staff" | "buyer";
  const FIXED = [409, "details_fixed"];
  const TABLE: [name: string, given: () => Promise<unknown>, answers: Record<Who, unknown>][] = [
    ["it is pending", () => set("status = 'pending'"), { staff: 200, buyer: 200 }],
    ["it is confirmed", async () => {}, { staff: 200, buyer: 200 }],
    [
      "it is being packed",
      () => act("transitions", { to: "processing" }),
      { staff: 200, buyer: [...FIXED, /being packed, so only the shop/] },
    ],
    [
      "a part of it has shipped",
      () => act("shipments", ships(1)),
      { staff: [...FIXED, /has shipped already/], buyer: [...FIXED, /has shipped already/] },
    ],
    [
      "all of it has shipped",
      () => act("shipments"),
      { staff: [...FIXED, /has shipped already/], buyer: [...FIXED, /has shipped already/] },
    ],
    [
      "it is cancelled",
      () => act("cancel"),
      {
        staff: [...FIXED, /that is cancelled is sent nowhere/],
        buyer: [...FIXED, /that is cancelled is sent nowhere/],
      },
    ],
    [
      "it has expired",
      () => set("status = 'expired'"),
      { staff: [...FIXED, /that is expired/], buyer: [...FIXED, /that is expired/] },
    ],
  ];
  test.each(TABLE)("%s", async (_, given, answers) => {
    for (const who of ["buyer", "staff"] as const) {
      sold = await givenSold([[9], [9]], [1, 1], { shipping_address: OLD });
      await given();
      const answer = await change(NEW, who === "staff" ? staff.headers : sold.token);
      const expected = answers[who];
      if (!Array.isArray(expected)) {
        expect([who, answer.status]).toEqual([who, expected]);
        continue;
      }
      expect([who, ...refusalOf(answer)]).toEqual([who, ...expected.slice(0, 2)]);
      expect(answer.body.detail).toMatch(expected[2]);
      expect((await page()).shipping_address).toEqual(OLD);
    }
  });
});

test("where shipping, tax or duty were charged, it stays in its country", async () => {
  const abroad = { ...NEW, country: "FR" };
  expect((await change(abroad)).status).toBe(200);
  for (const charged of ["shipping", "tax", "duty"]) {
    sold = await givenSold([[9], [9]], [1, 1], { shipping_address: OLD });
    await set(`${charged} = 100, total = total + 100`);
    const refused = await change(abroad);
    expect([charged, ...refusalOf(refused)]).toEqual([
      charged,
      ...[409, "country_fixed", "shipping_address.country"],
    ]);
    expect([charged, (await change()).status]).toEqual([charged, 200]);
  }
});

test("only for whom it is there, and only with an address as placing takes it", async () => {
  const stranger = await signIn();
  const others: Record<string, string>[] = [{}, stranger.headers, { "X-Order-Token": "wrong" }];
  for (const headers of others) expect(refusalOf(await change(NEW, headers))).toEqual([404, "not_found"]);
  expect(refusalOf(await change({ ...NEW, country: "Atlantis" }))).toEqual([
    ...[422, "invalid_body", "shipping_address.country"],
  ]);
  expect((await page()).version).toBe(1);
  const buyer = await signIn();
  const own = await post(
    "/orders",
    basket({ [sold.productIds[0] ?? ""]: 1 }, { shipping_address: OLD }),
    buyer.headers,
  );
  const { id } = await own.json<{ id: string }>();
  expect((await change(NEW, buyer.headers, id)).body.shipping_address).toEqual(NEW);
});

test("of an address and a shipment at once one comes first, and no parcel goes where its order does not say", async () => {
  const [changed, shipped] = await Promise.all([change(), act("shipments")]);
  expect(shipped.status).toBe(201);
  expect([200, 409]).toContain(changed.status);
  expect((await page()).shipping_address).toEqual(changed.status === 200 ? NEW : OLD);
  if (changed.status === 200) {
    const { results } = (await read(`/orders/${sold.id}/history`, staff.headers)).body;
    expect(results.map(({ kind }: { kind: string }) => kind)).toEqual(["transition", "details", "shipment"]);
  }
});

describe("whom it is for, and what is noted", () => {
  const patch = (body: object, headers: Record<string, string> = staff.headers) =>
    askUnder({}, "PATCH", `/orders/${sold.id}`, body, headers);
  const found = async (q: string) =>
    (await read(`/orders?q=${encodeURIComponent(q)}`, staff.headers)).body.count;

  test("name, phone and notes are changed, found at once, and the history has what stood there", async () => {
    const zelda = { name: "Zelda", email: "ada@shop.example", phone: "1" };
    sold = await givenSold([[9], [9]], [1, 1], { shipping_address: OLD, customer: zelda });
    const { customer } = await page();
    const changed = await patch({
      customer: { name: "Grace Hopper", phone: "+1 555 010 99" },
      notes: "Ring twice",
    });
    expect([changed.status, changed.body.customer, changed.body.notes]).toEqual([
      200,
      { ...customer, name: "Grace Hopper", phone: "+1 555 010 99" },
      "Ring twice",
    ]);
    expect(await page()).toMatchObject({
      customer: changed.body.customer,
      notes: "Ring twice",
      shipping_address: OLD,
    });
    expect([await found("hopper"), await found("010 99"), await found(customer.name)]).toEqual([1, 1, 0]);
    await patch({ customer: { phone: null }, notes: null });
    expect([await found("hopper"), await found("010 99")]).toEqual([1, 0]);
    const { results } = (await read(`/orders/${sold.id}/history`, staff.headers)).body;
    expect(
      results.slice(1).map(({ kind, snapshot }: { kind: string; snapshot: object }) => ({ kind, snapshot })),
    ).toMatchObject([
      {
        kind: "details",
        snapshot: {
          customer: { name: "Grace Hopper", phone: "+1 555 010 99" },
          notes: "Ring twice",
          previous: { customer, notes: null },
        },
      },
      {
        kind: "details",
        snapshot: {
          customer: { name: "Grace Hopper", email: customer.email },
          notes: null,
          previous: { notes: "Ring twice" },
        },
      },
    ]);
  });

  test("what is so already changes nothing, and an e-mail address cannot be changed", async () => {
    const { customer, version } = await page();
    const same = await patch({ customer: { name: customer.name }, shipping_address: OLD, notes: null });
    expect([same.status, same.body.version]).toEqual([200, version]);
    expect(refusalOf(await patch({ customer: { email: "eve@shop.example" } }))).toEqual([
      ...[422, "unknown_field", "customer.email"],
    ]);
    expect((await page()).version).toBe(version);
  });

  test("it is too late once something has shipped", async () => {
    await act("shipments", ships(1));
    for (const body of [{ notes: "x" }, { customer: { name: "Eve" } }]) {
      expect(refusalOf(await patch(body))).toEqual([409, "details_fixed"]);
    }
  });
});
