import { expect, test } from "vitest";
import { signIn } from "../support/sign-in.ts";
import { ADA, ask, registerAda } from "./ask.ts";

test("accounts are for admins", async () => {
  const { id } = await signIn("admin");
  for (const [method, path, body] of [
    ["GET", "/users", undefined],
    ["PATCH", `/users/${id}`, { role: "customer" }],
  ] as const) {
    expect(await ask(method, path, body)).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    for (const role of ["customer", "staff"] as const) {
      const { headers } = await signIn(role);
      expect(await ask(method, path, body, headers)).toMatchObject({
        status: 403,
        body: { code: "forbidden" },
      });
    }
  }
});

test("accounts are listed by page, by cursor and by address, without their hashes", async () => {
  const admin = await signIn("admin");
  for (let n = 0; n < 4; n++) await signIn();
  const all = (await ask("GET", "/users", undefined, admin.headers)).body;
  expect(all).toMatchObject({ count: 5, page: 1, page_size: 20, total_pages: 1, has_next: false });
  expect(Object.keys(all.results[0]).sort()).toEqual([
    "created_at",
    "disabled",
    "email",
    "email_verified",
    "id",
    "name",
    "payment_methods",
    "role",
    "trusted",
    "updated_at",
  ]);
  const ids = all.results.map(({ id }: { id: string }) => id);
  expect(ids).toEqual([...ids].sort().reverse());

  const walked: string[] = [];
  let cursor = "";
  do {
    const page = (await ask("GET", `/users?page_size=2${cursor}`, undefined, admin.headers)).body;
    walked.push(...page.results.map(({ id }: { id: string }) => id));
    cursor = page.next_cursor === null ? "" : `&cursor=${page.next_cursor}`;
  } while (cursor);
  expect(walked).toEqual(ids);

  const third = (await ask("GET", "/users?page=3&page_size=2", undefined, admin.headers)).body;
  expect(third.results.map(({ id }: { id: string }) => id)).toEqual(ids.slice(4));
  const past = (await ask("GET", "/users?page=9", undefined, admin.headers)).body;
  expect(past).toMatchObject({ count: 5, results: [] });

  const found = await ask("GET", `/users?email=${admin.email.toUpperCase()}`, undefined, admin.headers);
  expect(found.body).toMatchObject({ count: 1, results: [{ id: admin.id, role: "admin" }] });
  for (const query of ["page=0", "page=x", "cursor=!", "page_size=0"]) {
    expect((await ask("GET", `/users?${query}`, undefined, admin.headers)).status).toBe(400);
  }
});

test("an admin gives roles", async () => {
  const { headers } = await signIn("admin");
  const { user } = await registerAda();
  const { status, body } = await ask("PATCH", `/users/${user.id}`, { role: "staff" }, headers);
  expect(status).toBe(200);
  expect(body).toMatchObject({ ...user, role: "staff", disabled: false });
  expect((await ask("PATCH", `/users/${user.id}`, {}, headers)).body.role).toBe("staff");
  expect((await ask("POST", "/auth/token", ADA)).body.user.role).toBe("staff");
});

test("a disabled user is signed out and stays out until enabled", async () => {
  const { headers } = await signIn("admin");
  const { user, refresh_token } = await registerAda();
  const set = (disabled: boolean) => ask("PATCH", `/users/${user.id}`, { disabled }, headers);
  const renew = () => ask("POST", "/auth/refresh", { refresh_token });
  expect((await set(true)).body).toMatchObject({ id: user.id, disabled: true, role: "customer" });
  expect((await set(true)).body.disabled).toBe(true);
  expect((await ask("POST", "/auth/token", ADA)).status).toBe(401);
  expect((await renew()).status).toBe(401);
  expect((await set(false)).body.disabled).toBe(false);
  expect((await ask("POST", "/auth/token", ADA)).status).toBe(200);
  // The session that was ended stays ended.
  expect((await renew()).status).toBe(401);
});

test("the last admin stays one, and enabled", async () => {
  const first = await signIn("admin");
  const edit = (id: string, change: unknown) => ask("PATCH", `/users/${id}`, change, first.headers);
  for (const change of [{ role: "staff" }, { disabled: true }, { role: "customer", disabled: true }]) {
    expect(await edit(first.id, change)).toMatchObject({ status: 409, body: { code: "last_admin" } });
  }
  expect((await edit(first.id, { role: "admin", disabled: false })).status).toBe(200);

  const second = await signIn("admin");
  expect((await edit(second.id, { disabled: true })).status).toBe(200);
  // A disabled admin is none to rely on.
  expect((await edit(first.id, { role: "staff" })).status).toBe(409);
  expect((await edit(second.id, { role: "customer" })).status).toBe(200);
  expect((await edit(second.id, { role: "admin", disabled: false })).status).toBe(200);
  expect((await edit(first.id, { role: "staff" })).body.role).toBe("staff");
});

test("two admins who demote each other at once do not leave the shop without one", async () => {
  const [a, b] = [await signIn("admin"), await signIn("admin")];
  const answers = await Promise.all([
    ask("PATCH", `/users/${b.id}`, { role: "customer" }, a.headers),
    ask("PATCH", `/users/${a.id}`, { role: "customer" }, b.headers),
  ]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
});

test("a demoted admin's token cannot give the role back", async () => {
  const [boss, former] = [await signIn("admin"), await signIn("admin")];
  await ask("PATCH", `/users/${former.id}`, { role: "customer" }, boss.headers);
  const back = await ask("PATCH", `/users/${former.id}`, { role: "admin" }, former.headers);
  expect(back).toMatchObject({ status: 401, body: { code: "invalid_token" } });
});

test("wrong changes and unknown users", async () => {
  const { id, headers } = await signIn("admin");
  for (const [field, change] of [
    ["role", { role: "root" }],
    ["role", { role: null }],
    ["disabled", { disabled: "yes" }],
    ["disabled", { disabled: 1 }],
  ] as const) {
    const { status, body } = await ask("PATCH", `/users/${id}`, change, headers);
    expect(status).toBe(422);
    expect(body.errors[0].field).toBe(field);
  }
  for (const unknown of ["usr_none", "%27%20OR%201=1", "%00"]) {
    expect(await ask("PATCH", `/users/${unknown}`, { role: "staff" }, headers)).toMatchObject({
      status: 404,
      body: { code: "not_found" },
    });
  }
});
