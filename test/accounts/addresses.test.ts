import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { get } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { ask } from "./ask.ts";

const HOME = { name: "Ada Lovelace", line1: "12 Square", city: "London", postal_code: "SW1", country: "GB" };

const add = async ({ headers }: SignedIn, more: Record<string, unknown> = {}, key?: string) =>
  ask(
    "POST",
    "/me/addresses",
    { ...HOME, ...more },
    { ...headers, ...(key ? { "Idempotency-Key": key } : {}) },
  );

const list = async ({ headers }: SignedIn) =>
  (await (await get("/me/addresses", headers)).json<{ results: Listed[] }>()).results.map((one) => [
    one.id,
    one.default,
  ]);

interface Listed {
  id: string;
  default: boolean;
}

test("an address is added, read, changed and deleted", async () => {
  const ada = await signIn();
  const added = await add(ada, { country: "gb" });
  expect(added).toMatchObject({ status: 201, body: { ...HOME, default: false } });
  const path = `/me/addresses/${added.body.id}`;
  expect((await ask("GET", path, undefined, ada.headers)).body).toEqual(added.body);
  const { body } = await ask("PATCH", path, { city: "Paris", country: "FR", postal_code: null }, ada.headers);
  const { postal_code, ...kept } = HOME;
  expect(body).toMatchObject({ ...kept, city: "Paris", country: "FR" });
  expect(body).not.toHaveProperty("postal_code");
  expect((await ask("PATCH", path, { city: null }, ada.headers)).status).toBe(422);
  expect((await ask("DELETE", path, undefined, ada.headers)).status).toBe(204);
  for (const method of ["GET", "PATCH", "DELETE"])
    expect((await ask(method, path, method === "PATCH" ? {} : undefined, ada.headers)).status).toBe(404);
});

test("one is the default at most", async () => {
  const ada = await signIn();
  const [first, second] = [await add(ada, { default: true }), await add(ada, { default: true })];
  const [one, other] = [first.body.id, second.body.id];
  expect(await list(ada)).toEqual([
    [other, true],
    [one, false],
  ]);
  await ask("PATCH", `/me/addresses/${one}`, { default: true }, ada.headers);
  expect(await list(ada)).toEqual([
    [other, false],
    [one, true],
  ]);
  await ask("PATCH", `/me/addresses/${one}`, { city: "Paris" }, ada.headers);
  expect(await list(ada)).toContainEqual([one, true]);
  await ask("PATCH", `/me/addresses/${one}`, { default: false }, ada.headers);
  expect(await list(ada)).toContainEqual([one, false]);
  const both = [one, other].map((id) => ask("PATCH", `/me/addresses/${id}`, { default: true }, ada.headers));
  await Promise.all(both);
  expect((await list(ada)).filter(([, isDefault]) => isDefault)).toHaveLength(1);
});

test("fifty fit in, also of many at once", async () => {
  const ada = await signIn();
  for (let n = 0; n < 48; n++) await add(ada);
  const answers = await Promise.all([1, 2, 3, 4].map(() => add(ada)));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409]);
  expect((await add(ada)).body).toMatchObject({ code: "too_many_addresses", max: 50 });
  expect((await add(await signIn())).status).toBe(201);
});

test("a repeat under its Idempotency-Key adds none", async () => {
  const ada = await signIn();
  const [one, again] = [await add(ada, {}, "home-1"), await add(ada, {}, "home-1")];
  expect(again.body).toEqual(one.body);
  expect(await list(ada)).toHaveLength(1);
});

describe("another's address", () => {
  test("is not there, and stays as it is", async () => {
    const [ada, eve] = [await signIn(), await signIn()];
    const { id } = (await add(ada, { default: true })).body;
    await add(eve, { default: true });
    const path = `/me/addresses/${id}`;
    for (const [method, body] of [["GET"], ["PATCH", { default: true, city: "Paris" }], ["DELETE"]] as const)
      expect((await ask(method, path, body, eve.headers)).body.code, method).toBe("not_found");
    expect((await ask("GET", path, undefined, ada.headers)).body).toMatchObject({ ...HOME, default: true });
    expect(await env.DB.prepare("SELECT count(*) AS n FROM addresses").first("n")).toBe(2);
  });
});
