import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import type { Wire } from "../support/wire.ts";
import { ask, bearer } from "./ask.ts";

const HOUR = 3_600_000;
const ENDED = { status: 401, body: { code: "invalid_token" } };

let admin: SignedIn;
beforeEach(async () => {
  admin = await signIn("admin");
});

interface Made extends Wire {
  secret: string;
  prefix: string;
}

async function made(scopes: string[], more: object = {}): Promise<Made> {
  const answer = await ask("POST", "/api-keys", { name: "Scanner", scopes, ...more }, admin.headers);
  expect(answer.status).toBe(201);
  return answer.body as Made;
}

const read = (path: string, secret: string) => ask("GET", path, undefined, bearer(secret));

test("a key is shown once, and stored as a hash", async () => {
  const { id, secret, prefix, ...rest } = await made(["orders:read"]);
  expect(secret).toMatch(/^hf_[\w-]{43}$/);
  expect(secret.startsWith(prefix)).toBe(true);
  expect(rest).toMatchObject({
    name: "Scanner",
    scopes: ["orders:read"],
    created_by: admin.id,
    expires_at: null,
    last_used_at: null,
    revoked_at: null,
  });
  const listed = await ask("GET", "/api-keys", undefined, admin.headers);
  expect(listed.body).toMatchObject({ count: 1, results: [{ id, prefix }] });
  const one = await ask("GET", `/api-keys/${id}`, undefined, admin.headers);
  expect(one.body).toEqual(listed.body.results[0]);
  expect(JSON.stringify([listed.body, one.body])).not.toContain(secret);
  const row = await env.DB.prepare("SELECT * FROM api_keys").first();
  expect(JSON.stringify(row)).not.toContain(secret);
  expect((await ask("GET", "/api-keys/key_none", undefined, admin.headers)).status).toBe(404);
});

test("a repeat under its Idempotency-Key makes no second key and shows no secret", async () => {
  const send = () =>
    ask(
      "POST",
      "/api-keys",
      { name: "Scanner", scopes: ["ops"] },
      { ...admin.headers, "Idempotency-Key": "k-1" },
    );
  const [first, twin] = await Promise.all([send(), send()]);
  const again = await send();
  expect([first.status, twin.status, again.status]).toEqual([201, 201, 201]);
  expect(new Set([first, twin, again].map(({ body }) => body.id)).size).toBe(1);
  expect(again.body).not.toHaveProperty("secret");
  const told = [first, twin].flatMap(({ body }) => (body as Made).secret ?? []);
  expect(told).toHaveLength(1);
  expect((await read("/tasks", told[0] ?? "")).status).toBe(200);
  const kept = await env.DB.prepare("SELECT body FROM idempotency").all();
  expect(JSON.stringify(kept.results)).not.toContain(told[0]);
});

test("a key does what its scopes say, and nothing else", async () => {
  const { secret } = await made(["inventory:write", "orders:read"]);
  expect((await read("/inventory", secret)).status).toBe(200);
  expect((await read("/orders", secret)).status).toBe(200);
  expect((await read("/products", secret)).status).toBe(200);
  for (const [path, permission] of [
    ["/tasks", "ops"],
    ["/me", "account"],
    ["/carts", "account"],
    ["/users", "users"],
    ["/api-keys", "keys"],
    ["/ops/backup", "backup"],
    ["/payments/events", "payments:read"],
    ["/products?active=false", "catalog:read"],
  ]) {
    expect(await read(path ?? "", secret)).toMatchObject({
      status: 403,
      body: { code: "forbidden", permission },
    });
  }
});

test("a key lists everybody's orders only where it may", async () => {
  const { secret } = await made(["ops"]);
  expect(await read("/orders", secret)).toMatchObject({ status: 403, body: { permission: "orders:read" } });
});

test("nobody makes a key that may do more than they", async () => {
  await ask("POST", "/roles", { name: "maker", permissions: ["keys", "orders:read"] }, admin.headers);
  const { headers } = await signIn("maker");
  const make = (scopes: string[]) => ask("POST", "/api-keys", { name: "X", scopes }, headers);
  expect(await make(["orders:write"])).toMatchObject({
    status: 403,
    body: { code: "forbidden", permissions: ["orders:write"] },
  });
  expect((await make(["orders:read"])).status).toBe(201);
});

describe("a key ends", () => {
  test("when it is revoked, from the next request on", async () => {
    const { id, secret } = await made(["ops"]);
    expect((await read("/tasks", secret)).status).toBe(200);
    expect((await ask("DELETE", `/api-keys/${id}`, undefined, admin.headers)).status).toBe(204);
    expect(await read("/tasks", secret)).toMatchObject(ENDED);
    expect(await read("/products", secret)).toMatchObject(ENDED);
    const { body } = await ask("GET", `/api-keys/${id}`, undefined, admin.headers);
    expect(body).toMatchObject({ revoked_at: new Date(testClock.now()).toISOString() });
    testClock.advance(HOUR);
    // Again it changes nothing.
    expect((await ask("DELETE", `/api-keys/${id}`, undefined, admin.headers)).status).toBe(204);
    expect((await ask("GET", `/api-keys/${id}`, undefined, admin.headers)).body).toEqual(body);
    expect((await ask("DELETE", "/api-keys/key_none", undefined, admin.headers)).status).toBe(404);
  });

  test("when its time is over", async () => {
    const { secret } = await made(["ops"], { expires_at: new Date(testClock.now() + HOUR).toISOString() });
    testClock.advance(HOUR - 1);
    expect((await read("/tasks", secret)).status).toBe(200);
    testClock.advance(1);
    expect(await read("/tasks", secret)).toMatchObject(ENDED);
  });

  test("not with its maker", async () => {
    const other = await signIn("admin");
    const { secret } = await made(["ops"]);
    await ask("PATCH", `/users/${admin.id}`, { disabled: true }, other.headers);
    expect((await read("/tasks", secret)).status).toBe(200);
  });
});

test("when it was last used is known to the hour, and costs one write an hour", async () => {
  const { id, secret } = await made(["ops"]);
  const lastUsed = async () => (await ask("GET", `/api-keys/${id}`, undefined, admin.headers)).body;
  const at = (ms: number) => ({ last_used_at: new Date(ms).toISOString() });
  const began = testClock.now();
  await read("/tasks", secret);
  await expect.poll(lastUsed).toMatchObject(at(began));
  testClock.advance(HOUR - 1);
  await read("/tasks", secret);
  expect(await lastUsed()).toMatchObject(at(began));
  testClock.advance(1);
  await read("/tasks", secret);
  await expect.poll(lastUsed).toMatchObject(at(began + HOUR));
});

test("what is no key of ours is a 401 everywhere, with the same body", async () => {
  const { secret } = await made(["ops"]);
  const last = secret.endsWith("A") ? "B" : "A";
  for (const wrong of [
    `${secret.slice(0, -1)}${last}`,
    `hf_${"A".repeat(43)}`,
    `${secret}A`,
    secret.slice(0, -1),
  ]) {
    for (const path of ["/tasks", "/products", "/orders"]) {
      const { status, body } = await read(path, wrong);
      expect([wrong, path, status, body.code]).toEqual([wrong, path, 401, "invalid_token"]);
    }
  }
  expect((await ask("GET", "/tasks", undefined, { Authorization: `JWT ${secret}` })).status).toBe(200);
});

describe("an order by a key", () => {
  test("is a guest's, without the limits of strangers, and its own under its Idempotency-Key", async () => {
    const [productId = ""] = (await givenShop([[9]])).productIds;
    const { id, secret } = await made(["orders:write"]);
    const body = basket({ [productId]: 2 });
    const headers = { ...bearer(secret), "Idempotency-Key": "short" };
    const order = await placed(await post("/orders", body, headers));
    expect(order.access_token).toEqual(expect.any(String));
    expect((await placed(await post("/orders", body, headers))).id).toBe(order.id);
    const history = await ask("GET", `/orders/${order.id}/history`, undefined, admin.headers);
    expect(history.body.results[0]).toMatchObject({ actor: id });
    const shipped = await ask("POST", `/orders/${order.id}/shipments`, {}, bearer(secret));
    expect(shipped.status).toBe(201);
    const own = await ask("GET", `/orders/${order.id}`, undefined, {
      "X-Order-Token": order.access_token ?? "",
    });
    expect(own.status).toBe(200);
    // Another key's is another.
    const other = await made(["orders:write"]);
    const third = await placed(await post("/orders", body, { ...headers, ...bearer(other.secret) }));
    expect(third.id).not.toBe(order.id);
  });

  test("without orders:write is what a guest's would be", async () => {
    const [productId = ""] = (await givenShop([[9]])).productIds;
    const { secret } = await made(["catalog:read"]);
    const order = await placed(await post("/orders", basket({ [productId]: 1 }), bearer(secret)));
    const other = await placed(await post("/orders", basket({ [productId]: 1 })));
    expect((await read(`/orders/${order.id}`, secret)).status).toBe(404);
    expect((await read(`/orders/${other.id}`, secret)).status).toBe(404);
    expect((await ask("POST", `/orders/${other.id}/cancel`, undefined, bearer(secret))).status).toBe(404);
  });
});
