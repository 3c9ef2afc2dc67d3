import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { isoTimestamp } from "../../src/platform/clock.ts";
import { givenCart } from "../carts/shopping.ts";
import { sweep } from "../chaos/stage.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { type Answer, askUnder, countOf, levels, read, refusalOf, tokenOf } from "./ask.ts";

const HOUR = 3_600_000;

let apple: string;
let pear: string;
beforeEach(async () => {
  const { productIds } = await givenShop([[2_000], [2_000]]);
  [apple = "", pear = ""] = productIds;
});

const setUser = async (id: string, change: Record<string, unknown>): Promise<Answer> => {
  const admin = await signIn("admin");
  return askUnder({}, "PATCH", `/users/${id}`, change, admin.headers);
};

/** Somebody who orders, with what an admin said of them. */
async function buyer(who: string): Promise<Pick<SignedIn, "id"> & { headers: Record<string, string> }> {
  if (who === "guest") return { id: "", headers: {} };
  const { id, headers } = await signIn(who === "staff" ? "staff" : "customer");
  const changes: Record<string, Record<string, unknown>> = {
    "trusted customer": { trusted: true },
    "customer of cards": { payment_methods: ["card"] },
    "customer of nothing": { payment_methods: [] },
  };
  if (changes[who]) expect((await setUser(id, changes[who])).body).toMatchObject(changes[who]);
  return { id, headers };
}

const place = async (
  who: string,
  settings: Record<string, string>,
  more: Record<string, unknown> = {},
  quantities: Record<string, number> = { [apple]: 1 },
): Promise<Answer> =>
  askUnder(settings, "POST", "/orders", basket(quantities, more), (await buyer(who)).headers);

describe("how it may be paid", () => {
  const NOT = [422, "payment_method_not_allowed", "payment_method"];
  test.each<[string, string, string, unknown[] | 201]>([
    ["guest", "", "cash_on_delivery", 201],
    ["guest", "card", "card", 201],
    ["guest", "card", "cash_on_delivery", NOT],
    ["guest", "card", "invoice", NOT],
    ["guest", "card,invoice", "invoice", 201],
    ["customer", "card", "invoice", 201],
    ["customer of cards", "", "card", 201],
    ["customer of cards", "", "invoice", NOT],
    ["customer of nothing", "", "card", NOT],
    ["staff", "card", "invoice", 201],
  ])("%s, guests by %j: %s", async (who, GUEST_PAYMENT_METHODS, payment_method, expected) => {
    const answer = await place(who, { GUEST_PAYMENT_METHODS }, { payment_method });
    if (expected === 201) return expect(answer.status).toBe(201);
    expect(refusalOf(answer)).toEqual(expected);
    expect(answer.body).toMatchObject({ allowed: who === "customer of nothing" ? [] : ["card"] });
    expect(await countOf("orders")).toBe(0);
    expect(await levels(apple)).toMatchObject({ reserved: 0 });
  });

  test("in production guests pay by card, and what is unpaid waits for two days", async () => {
    const production = { ENVIRONMENT: "production", MAIL_FROM: "Shop <orders@shop.example>" };
    expect(refusalOf(await place("guest", production, { payment_method: "cash_on_delivery" }))).toEqual(NOT);
    expect((await place("guest", production, { payment_method: "card" })).body.status).toBe("pending");
    const invoice = await place("customer", production, { payment_method: "invoice" });
    expect(invoice.body).toMatchObject({
      ...{ status: "pending", payment_status: "none" },
      expires_at: isoTimestamp(testClock.now() + 48 * HOUR),
    });
    expect(refusalOf(await place("customer", production, {}, { [apple]: 1_001 }))[1]).toBe("too_many_units");
  });

  test("an admin takes back what was said of a customer", async () => {
    const { id, headers } = await buyer("customer of cards");
    expect((await setUser(id, { payment_methods: null })).body).toMatchObject({ payment_methods: null });
    expect((await askUnder({}, "POST", "/orders", basket({ [apple]: 1 }), headers)).status).toBe(201);
    expect(refusalOf(await setUser(id, { payment_methods: ["gold"] }))[0]).toBe(422);
    expect(refusalOf(await setUser(id, { trusted: "yes" }))).toEqual([422, "invalid_body", "trusted"]);
  });
});

describe("how much one order may have", () => {
  const most = (productId: string, units: number | null) =>
    env.DB.prepare("UPDATE products SET max_per_order = ?1 WHERE id = ?2").bind(units, productId).run();

  test.each<[string, string, number | null, number, number | null]>([
    ["guest", "0", null, 1_500, null],
    ["guest", "10", null, 10, null],
    ["guest", "10", null, 11, 10],
    ["customer", "10", null, 11, 10],
    ["trusted customer", "10", null, 11, 10],
    ["staff", "10", null, 11, null],
    ["guest", "0", 3, 3, null],
    ["guest", "0", 3, 4, 3],
    ["guest", "10", 3, 4, 3],
    ["guest", "2", 3, 3, 2],
    ["staff", "0", 3, 4, null],
  ])("%s, %s a line, %s of it: %i", async (who, MAX_UNITS_PER_LINE, ofIt, units, max) => {
    await most(apple, ofIt);
    const answer = await place(who, { MAX_UNITS_PER_LINE }, {}, { [pear]: 1, [apple]: units });
    if (max === null) return expect(answer.status).toBe(201);
    expect(refusalOf(answer)).toEqual([422, "too_many_units", "items.1.quantity"]);
    expect(answer.body.errors).toMatchObject([{ product_id: apple, max }]);
    expect(await levels(apple)).toMatchObject({ reserved: 0 });
  });

  test("lines of one product are added up, and each order of a bulk counts", async () => {
    await most(apple, 3);
    const line = { product_id: apple, quantity: 2 };
    const body = { ...basket({}), items: [{ product_id: pear, quantity: 1 }, line, line] };
    expect(refusalOf(await askUnder({}, "POST", "/orders", body))).toEqual([
      422,
      "too_many_units",
      "items.1.quantity",
    ]);
    const bulk = await askUnder({}, "POST", "/orders/bulk", { orders: [body, basket({ [apple]: 3 })] });
    expect(bulk.body).toMatchObject({
      ...{ created: 1, rejected: 1 },
      results: [{ problem: { code: "too_many_units" } }, { status: "created" }],
    });
  });

  test("staff set it, carts show it, and null takes it away", async () => {
    const { headers } = await signIn("staff");
    const patch = (max_per_order: unknown) =>
      askUnder({}, "PATCH", `/products/${apple}`, { max_per_order }, headers);
    expect((await patch(4)).body).toMatchObject({ max_per_order: 4, version: 2 });
    expect((await patch(4)).body).toMatchObject({ version: 2 });
    expect((await read(`/products/${apple}`)).body).toMatchObject({ max_per_order: 4 });
    const cart = await givenCart({ [apple]: 5, [pear]: 1 });
    expect((await read(cart.path, cart.headers)).body.items).toMatchObject([{ max_per_order: 4 }, {}]);
    const checkout = await askUnder(
      {},
      "POST",
      `${cart.path}/checkout`,
      { customer: basket({}).customer },
      cart.headers,
    );
    expect(refusalOf(checkout)).toEqual([422, "too_many_units", "items.0.quantity"]);
    for (const wrong of [0, -1, 1.5, "4"]) expect((await patch(wrong)).status).toBe(422);
    const free = (await patch(null)).body;
    expect(free).toMatchObject({ version: 3 });
    expect(free).not.toHaveProperty("max_per_order");
    expect((await patch(null)).body).toMatchObject({ version: 3 });
  });
});

describe("how many units may wait for their payment", () => {
  const TEN = { MAX_UNPAID_UNITS: "10" };
  const FULL = [409, "too_many_unpaid"];
  const at = (address: string) => ({ "cf-connecting-ip": address });

  /** A guest's order by card, which waits. */
  const order = (email: string, address: string, quantity: number, more: Record<string, string> = {}) =>
    askUnder(
      TEN,
      "POST",
      "/orders",
      basket({ [apple]: quantity }, { payment_method: "card", customer: { name: "Eve", email } }),
      { ...at(address), ...more },
    );
  const held = () => expect.poll(async () => (await levels(apple)).reserved, { timeout: 5_000 });

  test("of one network address, and of one e-mail address", async () => {
    expect((await order("a@shop.example", "192.0.2.1", 6)).status).toBe(201);
    expect((await order("b@shop.example", "192.0.2.1", 4)).status).toBe(201);
    const full = await order("c@shop.example", "192.0.2.1", 1);
    expect(refusalOf(full)).toEqual(FULL);
    expect(full.body).toMatchObject({ max: 10 });
    expect((await order("c@shop.example", "192.0.2.2", 10)).status).toBe(201);
    expect(refusalOf(await order("C@Shop.example", "192.0.2.3", 1))).toEqual(FULL);
    await held().toBe(20);
    expect(await countOf("orders")).toBe(3);
  });

  test("orders at once do not pass it together", async () => {
    const answers = await Promise.all(
      [..."abcdefgh"].map((name) => order(`${name}@shop.example`, "192.0.2.1", 4)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409, 409, 409, 409]);
    await held().toBe(8);
  });

  test("one that is cancelled makes room, also for the same request", async () => {
    const first = await order("a@shop.example", "192.0.2.1", 8);
    const key = { "Idempotency-Key": "a-key-of-a-stranger" };
    expect(refusalOf(await order("b@shop.example", "192.0.2.1", 3, key))).toEqual(FULL);
    const { id } = first.body;
    expect((await askUnder(TEN, "POST", `/orders/${id}/cancel`, undefined, tokenOf(first))).status).toBe(200);
    expect((await order("b@shop.example", "192.0.2.1", 3, key)).status).toBe(201);
    expect((await order("b@shop.example", "192.0.2.1", 3, key)).headers.get("Idempotency-Replayed")).toBe(
      "true",
    );
    await held().toBe(3);
  });

  test("of a bulk each counts, or all together", async () => {
    const body = (mode: string) => ({
      mode,
      orders: [6, 3, 6].map((quantity) => basket({ [apple]: quantity }, { payment_method: "card" })),
    });
    const whole = await askUnder(TEN, "POST", "/orders/bulk", body("all_or_nothing"), at("192.0.2.1"));
    expect(whole.body).toMatchObject({
      created: 0,
      results: [6, 3, 6].map(() => ({ problem: { code: "too_many_unpaid" } })),
    });
    await held().toBe(0);
    const each = await askUnder(TEN, "POST", "/orders/bulk", body("independent"), at("192.0.2.1"));
    expect(each.body).toMatchObject({
      created: 2,
      results: [{ status: "created" }, { status: "created" }, { problem: { code: "too_many_unpaid" } }],
    });
    await held().toBe(9);
  });

  test("a cart that is refused can be checked out once there is room", async () => {
    const first = await order("a@shop.example", "192.0.2.1", 8);
    const cart = await givenCart({ [apple]: 3 });
    const checkout = () =>
      askUnder(
        TEN,
        "POST",
        `${cart.path}/checkout`,
        { customer: basket({}).customer, payment_method: "card" },
        { ...cart.headers, ...at("192.0.2.1") },
      );
    expect(refusalOf(await checkout())).toEqual(FULL);
    await askUnder(TEN, "POST", `/orders/${first.body.id}/cancel`, undefined, tokenOf(first));
    expect((await checkout()).status).toBe(201);
    await held().toBe(3);
  });

  test.each(["staff", "trusted customer"])("%s are not counted", async (who) => {
    const answer = await place(who, TEN, { payment_method: "card" }, { [apple]: 11 });
    expect(answer.body).toMatchObject({ status: "pending" });
  });

  test("a customer is, and where an order came from is not stored", async () => {
    const { headers } = await signIn("customer");
    const body = basket({ [apple]: 6 }, { payment_method: "card" });
    const send = (address: string) => askUnder(TEN, "POST", "/orders", body, { ...headers, ...at(address) });
    expect((await send("192.0.2.1")).status).toBe(201);
    expect(refusalOf(await send("192.0.2.7"))).toEqual(FULL);
    const from = await env.DB.prepare("SELECT placed_from FROM orders").first("placed_from");
    expect(from).toMatch(/^[\w-]{22}$/);
  });
});

describe("unpaid orders by invoice and on delivery, where they need approval", () => {
  const TWO_DAYS = { APPROVAL_HOURS: "48" };
  const approve = async (id: string, headers: Record<string, string>) =>
    askUnder(TWO_DAYS, "POST", `/orders/${id}/transitions`, { to: "confirmed" }, headers);
  const history = async (id: string) =>
    (await read(`/orders/${id}/history`, (await signIn("staff")).headers)).body.results;

  test.each<[string, string, string, string]>([
    ["guest", "invoice", "48", "pending"],
    ["guest", "cash_on_delivery", "48", "pending"],
    ["customer", "invoice", "48", "pending"],
    ["trusted customer", "invoice", "48", "confirmed"],
    ["staff", "cash_on_delivery", "48", "confirmed"],
    ["guest", "invoice", "0", "confirmed"],
  ])("%s by %s, %s hours: %s", async (who, payment_method, APPROVAL_HOURS, status) => {
    const { body } = await place(who, { APPROVAL_HOURS }, { payment_method });
    const expires_at = status === "pending" ? isoTimestamp(testClock.now() + 48 * HOUR) : null;
    expect(body).toMatchObject({ status, payment_status: "none", expires_at });
    expect(await levels(apple)).toMatchObject({ reserved: 1 });
  });

  test("staff approve it: it is confirmed as any other, and no deadline ends it", async () => {
    const placed = await place("guest", TWO_DAYS);
    const { id } = placed.body;
    expect(await countOf("work")).toBe(0);
    const { headers } = await signIn("staff");
    expect((await approve(id, headers)).body).toMatchObject({ status: "confirmed", payment_status: "none" });
    expect(await env.DB.prepare("SELECT payload FROM work WHERE task = 'email'").first("payload")).toContain(
      "order_confirmation",
    );
    expect((await approve(id, headers)).body).toMatchObject({
      code: "illegal_transition",
      allowed: ["processing"],
    });
    testClock.advance(49 * HOUR);
    await sweep();
    expect((await history(id)).map(({ to }: { to: string }) => to)).toEqual(["pending", "confirmed"]);
    expect(await levels(apple)).toMatchObject({ reserved: 1 });
  });

  test("nobody does: at the deadline its stock comes back, and it cannot be approved any more", async () => {
    const { id } = (await place("guest", TWO_DAYS)).body;
    testClock.advance(48 * HOUR - 1);
    await sweep();
    expect(await history(id)).toHaveLength(1);
    testClock.advance(1);
    await sweep();
    expect((await history(id)).at(-1)).toMatchObject({
      to: "expired",
      reason: "neither paid nor approved before the deadline",
    });
    await expect.poll(() => levels(apple), { timeout: 5_000 }).toMatchObject({ on_hand: 2_000, reserved: 0 });
    const { headers } = await signIn("staff");
    expect((await approve(id, headers)).body).toMatchObject({ code: "illegal_transition", allowed: [] });
  });

  test("approval and deadline at once: one of them counts, and stock agrees", async () => {
    const { id } = (await place("guest", TWO_DAYS)).body;
    testClock.advance(48 * HOUR);
    const { headers } = await signIn("staff");
    await Promise.all([approve(id, headers), sweep(), sweep()]);
    const way: string[] = (await history(id)).map(({ to }: { to: string }) => to);
    expect(way).toHaveLength(2);
    const reserved = way[1] === "confirmed" ? 1 : 0;
    await expect.poll(() => levels(apple), { timeout: 5_000 }).toMatchObject({ reserved });
  });

  test("the buyer cancels it, and cannot approve it", async () => {
    const placed = await place("guest", TWO_DAYS);
    expect((await approve(placed.body.id, tokenOf(placed))).status).toBe(401);
    const { headers } = await signIn("customer");
    expect((await approve(placed.body.id, headers)).status).toBe(403);
    const cancelled = await askUnder(
      TWO_DAYS,
      "POST",
      `/orders/${placed.body.id}/cancel`,
      undefined,
      tokenOf(placed),
    );
    expect(cancelled.status).toBe(200);
    await expect.poll(() => levels(apple)).toMatchObject({ reserved: 0 });
  });

  test("an order by card is confirmed by its payment alone", async () => {
    const { id } = (await place("guest", TWO_DAYS, { payment_method: "card" })).body;
    const { headers } = await signIn("staff");
    expect((await approve(id, headers)).body).toMatchObject({ code: "illegal_transition", allowed: [] });
  });
});
