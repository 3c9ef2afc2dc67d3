import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { eraseAgain } from "../../src/privacy/erase.ts";
import { ask, guestContext } from "../accounts/ask.ts";
import { runOwed } from "../notifications/orders.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { PASSWORD, type SignedIn, signIn } from "../support/sign-in.ts";

const GRACE = { name: "Grace Hopper", email: "grace@navy.example", phone: "555 0199" };
const ADDRESS = { name: "Grace Hopper", line1: "7 Harbour Road", city: "Arlington", country: "US" };
const NOTES = "leave it with the porter";

/** What tells who she is, wherever it stands. */
const WHO = /grace|hopper|harbour|arlington|555 0199|porter|shop\.example/i;

let apple: string;
let grace: SignedIn;
beforeEach(async () => {
  const { productIds } = await givenShop([[50]]);
  [apple = ""] = productIds;
  grace = await signIn();
});

const order = async (more: Record<string, unknown> = {}) =>
  placed(
    await post(
      "/orders",
      basket({ [apple]: 1 }, { customer: GRACE, shipping_address: ADDRESS, notes: NOTES, ...more }),
      { ...grace.headers, "Idempotency-Key": `key-${crypto.randomUUID()}` },
    ),
  );

/** An order that has been through all that an order goes through, and is dead. */
async function cancelled(): Promise<string> {
  const { id } = await order();
  const details = {
    customer: { name: "Grace B. Hopper" },
    shipping_address: { ...ADDRESS, line1: "8 Harbour Road" },
  };
  expect((await ask("PATCH", `/orders/${id}`, details, grace.headers)).status).toBe(200);
  const cancel = { reason: "Grace has moved" };
  expect((await ask("POST", `/orders/${id}/cancel`, cancel, grace.headers)).status).toBe(200);
  return id;
}

const leave = (password = PASSWORD) => ask("DELETE", "/me", { password }, grace.headers);

/** Each cell of each table that tells who she is. */
async function traces(): Promise<string[]> {
  const tables = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
  ).all<{ name: string }>();
  const found: string[] = [];
  for (const { name } of tables.results) {
    const { results } = await env.DB.prepare(`SELECT * FROM "${name}"`).all();
    for (const row of results)
      for (const [column, cell] of Object.entries(row))
        if (WHO.test(`${cell}`)) found.push(`${name}.${column}: ${cell}`);
  }
  return found;
}

describe("a customer who leaves", () => {
  test("is in no table any more, but for what was bought", async () => {
    const id = await cancelled();
    await ask("POST", "/me/addresses", ADDRESS, grace.headers);
    await ask("POST", "/auth/password-reset", { email: grace.email });
    await post("/carts", {}, grace.headers);
    await runOwed();
    expect((await traces()).length).toBeGreaterThan(5);

    expect((await leave()).status).toBe(204);
    // The mails that development keeps are gone after a week.
    expect((await traces()).filter((trace) => !trace.startsWith("emails."))).toEqual([]);
    const { headers } = await signIn("staff");
    const { body } = await ask("GET", `/orders/${id}`, undefined, headers);
    expect(body).toMatchObject({
      ...{ status: "cancelled", notes: null },
      customer: { name: "Erased", email: `${grace.id}@erased.invalid` },
      shipping_address: { country: "US" },
      items: [{ product_id: apple, quantity: 1 }],
    });
    expect((await ask("GET", `/orders/${id}/history`, undefined, headers)).status).toBe(200);
  });

  test("is signed out, and can sign in no more; the address is free again", async () => {
    expect((await leave()).status).toBe(204);
    expect((await ask("GET", "/me", undefined, grace.headers)).status).toBe(401);
    expect((await leave()).status).toBe(401);
    const credentials = { email: grace.email, password: PASSWORD };
    expect((await ask("POST", "/auth/token", credentials)).status).toBe(401);
    expect(
      (await ask("POST", "/auth/register", { ...credentials, password: "long enough to be good", name: "G" }))
        .status,
    ).toBe(201);
  });

  test("gives the password, and has no order on its way", async () => {
    expect((await leave("wrong")).body).toMatchObject({ code: "wrong_password" });
    await order();
    expect((await leave()).body).toMatchObject({ code: "orders_open", orders: 1 });
    expect((await ask("GET", "/me", undefined, grace.headers)).body).toMatchObject({ email: grace.email });
  });

  test("takes only their own", async () => {
    const other = await signIn();
    const theirs = await placed(
      await post(
        "/orders",
        basket({ [apple]: 1 }, { customer: GRACE, shipping_address: ADDRESS }),
        other.headers,
      ),
    );
    await ask("POST", "/me/addresses", ADDRESS, other.headers);
    await leave();
    const { body } = await ask("GET", `/orders/${theirs.id}`, undefined, other.headers);
    expect(body).toMatchObject({ customer: GRACE, shipping_address: ADDRESS });
    expect((await ask("GET", "/me/addresses", undefined, other.headers)).body.results).toHaveLength(1);
  });

  test("has as many orders as they like: each chunk is whole", async () => {
    await cancelled();
    await env.DB.prepare(
      `WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 450)
       INSERT INTO orders (id, reference, claim_id, user_id, status, payment_status, payment_method, priority, customer,
         customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at, created_at, updated_at)
       SELECT 'ord_' || n.value, 'ORD-' || n.value, 'clm_' || n.value, o.user_id, 'expired', o.payment_status, o.payment_method, o.priority,
         o.customer, o.customer_email, o.currency, 1, 0, 0, 0, 1, 1, 1, '', 0, n.value, 0
       FROM orders AS o, n`,
    ).run();
    expect((await leave()).status).toBe(204);
    const left = env.DB.prepare(
      "SELECT count(*) AS n FROM orders WHERE customer_email NOT LIKE '%@erased.invalid'",
    );
    expect(await left.first("n")).toBe(0);
  });
});

describe("an admin", () => {
  const erase = async (id: string) =>
    ask("DELETE", `/users/${id}`, undefined, (await signIn("admin")).headers);

  test("erases a customer who asks for it, and it is written down without saying who they were", async () => {
    await cancelled();
    await runOwed();
    expect((await erase(grace.id)).status).toBe(204);
    expect((await traces()).filter((trace) => !/^emails\.|admin-|staff-/.test(trace))).toEqual([]);
    const entry = env.DB.prepare(
      "SELECT actor FROM audit_log WHERE object_type = 'user' AND object_id = ?",
    ).bind(grace.id);
    expect(await entry.first("actor")).toMatch(/^usr_/);
    expect((await erase(grace.id)).status).toBe(204);
  });

  test("erases nobody of the shop, and nobody who is not there", async () => {
    expect((await erase((await signIn("staff")).id)).body).toMatchObject({ code: "not_a_customer" });
    expect((await erase("usr_none")).body).toMatchObject({ code: "not_found" });
  });
});

test("what a restore brings back is erased again, and so is what was on its way", async () => {
  const id = await cancelled();
  await leave();
  await env.DB.batch([
    env.DB.prepare("UPDATE users SET email = 'grace@navy.example', name = 'Grace' WHERE id = ?").bind(
      grace.id,
    ),
    env.DB.prepare(
      "UPDATE orders SET customer_email = 'grace@navy.example', notes = 'porter' WHERE id = ?",
    ).bind(id),
  ]);
  expect(await eraseAgain(guestContext())).toBe(1);
  expect((await traces()).filter((trace) => !trace.startsWith("emails."))).toEqual([]);
  await env.DB.prepare("UPDATE orders SET customer_email = 'grace@navy.example' WHERE id = ?").bind(id).run();
  expect(await eraseAgain(guestContext())).toBe(1);
  expect(await eraseAgain(guestContext())).toBe(0);
});
