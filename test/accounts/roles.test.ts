import { expect, test } from "vitest";
import { PERMISSION_NAMES } from "../../src/permissions.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { ask } from "./ask.ts";

const read = (path: string, headers: Record<string, string>) => ask("GET", path, undefined, headers);

test("every shop has three roles that nobody changes, and three examples", async () => {
  const { headers } = await signIn("admin");
  const { body } = await read("/roles", headers);
  expect(body).toMatchObject({ count: 6, has_next: false });
  expect(body.results.map(({ name, fixed }) => [name, fixed])).toEqual([
    ["customer", true],
    ["staff", true],
    ["admin", true],
    ["finance", false],
    ["support", false],
    ["warehouse", false],
  ]);
  expect(body.results[0].permissions).toEqual(["account"]);
  expect(body.results[2].permissions).toEqual(PERMISSION_NAMES);
  for (const name of ["customer", "staff", "admin"]) {
    expect(await ask("PATCH", `/roles/${name}`, { permissions: [] }, headers)).toMatchObject({
      status: 409,
      body: { code: "role_fixed" },
    });
    expect((await ask("DELETE", `/roles/${name}`, undefined, headers)).status).toBe(409);
    const again = await ask("POST", "/roles", { name, permissions: [] }, headers);
    expect(again).toMatchObject({ status: 409, body: { code: "name_taken", errors: [{ field: "name" }] } });
  }
});

test("a role of the shop's own allows what it says, and what it says by then", async () => {
  const boss = await signIn("admin");
  const made = await ask("POST", "/roles", { name: "florist", permissions: ["catalog:write"] }, boss.headers);
  expect(made).toMatchObject({
    status: 201,
    body: { name: "florist", permissions: ["catalog:write"], fixed: false },
  });
  const { headers } = await signIn("florist");
  expect((await ask("POST", "/categories", { name: "Roses" }, headers)).status).toBe(201);
  // Who writes may read.
  expect((await read("/products?active=false", headers)).status).toBe(200);
  expect(await read("/inventory", headers)).toMatchObject({
    status: 403,
    body: { code: "forbidden", permission: "inventory:read" },
  });
  // One's own account is everybody's.
  expect((await read("/me", headers)).body.role).toBe("florist");

  await ask("PATCH", "/roles/florist", { permissions: ["inventory:read"] }, boss.headers);
  expect((await ask("POST", "/categories", { name: "Tulips" }, headers)).status).toBe(403);
  expect((await read("/inventory", headers)).status).toBe(200);
});

test("a role that somebody has is not deleted", async () => {
  const { headers } = await signIn("admin");
  const packer = await signIn("warehouse");
  expect(await ask("DELETE", "/roles/warehouse", undefined, headers)).toMatchObject({
    status: 409,
    body: { code: "role_in_use", users: 1 },
  });
  await ask("PATCH", `/users/${packer.id}`, { role: "customer" }, headers);
  expect((await ask("DELETE", "/roles/warehouse", undefined, headers)).status).toBe(204);
  expect((await ask("DELETE", "/roles/warehouse", undefined, headers)).status).toBe(404);
  expect(await ask("PATCH", `/users/${packer.id}`, { role: "warehouse" }, headers)).toMatchObject({
    status: 422,
    body: { code: "unknown_role", errors: [{ field: "role" }] },
  });
});

test("nobody gives what they may not do, or touches who may do more", async () => {
  const boss = await signIn("admin");
  await ask("POST", "/roles", { name: "people", permissions: ["users", "orders:read"] }, boss.headers);
  const { id, headers } = await signIn("people");
  const [ada, staff] = [await signIn(), await signIn("staff")];
  const beyond = { status: 403, body: { code: "forbidden" } };
  expect(await ask("PATCH", `/users/${id}`, { role: "admin" }, headers)).toMatchObject(beyond);
  expect(await ask("PATCH", `/users/${ada.id}`, { role: "staff" }, headers)).toMatchObject(beyond);
  expect(await ask("PATCH", `/users/${boss.id}`, { disabled: true }, headers)).toMatchObject(beyond);
  expect(await ask("PATCH", `/users/${staff.id}`, { role: "customer" }, headers)).toMatchObject(beyond);
  for (const permissions of [["backup"], ["orders:write"], ["catalog:read", "users"]]) {
    expect(await ask("PATCH", "/roles/people", { permissions }, headers)).toMatchObject(beyond);
    expect(await ask("POST", "/roles", { name: "mine", permissions }, headers)).toMatchObject(beyond);
  }
  expect(await ask("DELETE", "/roles/warehouse", undefined, headers)).toMatchObject(beyond);

  expect((await ask("PATCH", `/users/${ada.id}`, { role: "people" }, headers)).status).toBe(200);
  expect((await ask("PATCH", `/users/${ada.id}`, { disabled: true }, headers)).status).toBe(200);
  expect((await ask("PATCH", "/roles/people", { permissions: ["users"] }, headers)).status).toBe(200);
});

test("who only reads orders reads everybody's, and changes only their own", async () => {
  const boss = await signIn("admin");
  await ask("POST", "/roles", { name: "reader", permissions: ["orders:read"] }, boss.headers);
  const [productId = ""] = (await givenShop([[9]])).productIds;
  const { id } = await placed(await post("/orders", basket({ [productId]: 1 })));
  const { headers } = await signIn("reader");
  expect((await read(`/orders/${id}`, headers)).status).toBe(200);
  expect((await read("/orders", headers)).body.count).toBe(1);
  const lacking = { status: 403, body: { code: "forbidden", permission: "orders:write" } };
  expect(await ask("POST", `/orders/${id}/cancel`, undefined, headers)).toMatchObject(lacking);
  expect(await ask("PATCH", `/orders/${id}`, { notes: "x" }, headers)).toMatchObject(lacking);
  expect(await ask("POST", `/orders/${id}/shipments`, {}, headers)).toMatchObject(lacking);
  const own = await placed(await post("/orders", basket({ [productId]: 1 }), headers));
  expect((await ask("POST", `/orders/${own.id}/cancel`, undefined, headers)).status).toBe(200);
});

test("a shop may have more roles than D1 takes parameters", async () => {
  const admin = await signIn("admin");
  const made = Array.from({ length: 120 }, (_, n) =>
    ask("POST", "/roles", { name: `role-${n}`, permissions: ["orders:read"] }, admin.headers),
  );
  expect((await Promise.all(made)).map(({ status }) => status)).toEqual(made.map(() => 201));
  const user = await signIn();
  const edited = await ask("PATCH", `/users/${user.id}`, { role: "role-119" }, admin.headers);
  expect([edited.status, edited.body.role]).toEqual([200, "role-119"]);
});
