import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { createApi } from "../../../src/cli/api.ts";
import { extendingApi } from "../../../src/cli/extending-api.ts";
import { restoreShop } from "../../../src/cli/restore-shop.ts";
import { ADA, ask, bearer, registerAda } from "../../accounts/ask.ts";
import { quiet, saved } from "../../chaos/shop-backup.ts";
import { testClock } from "../../support/clock.ts";
import { givenShop, post } from "../../support/shop.ts";
import { PASSWORD, type SignedIn, signIn } from "../../support/sign-in.ts";
import worker from "../../support/worker.ts";

/** Who may do what, across a backup and a restore. */

const KEY = "a backup key of many characters, made up here";

/** The admin's API over a shop with these settings. */
function apiOf({ token }: Pick<SignedIn, "token">, settings: object = { BACKUP_KEY: KEY }) {
  return createApi("http://shop.test", token, async (url, init) => {
    const context = createExecutionContext();
    const request = new Request(url, init) as Parameters<typeof worker.fetch>[0];
    const answer = await worker.fetch(request, { ...env, ...settings }, context);
    await waitOnExecutionContext(context);
    return answer;
  });
}

const hashOf = (email: string) =>
  env.DB.prepare("SELECT password_hash FROM users WHERE email = ?")
    .bind(email)
    .first<string>("password_hash");

const signsIn = async (password: string) => (await ask("POST", "/auth/token", { ...ADA, password })).status;

let admin: SignedIn;
beforeEach(async () => {
  await givenShop([[1]]);
  admin = await signIn("admin");
});

test("no backup has a hash in it, but as BACKUP_KEY sealed it, and no session", async () => {
  const { refresh_token } = await registerAda();
  const hash = await hashOf(ADA.email);
  for (const settings of [{ BACKUP_KEY: KEY }, {}]) {
    const { files } = await saved(apiOf(admin, settings));
    const text = [...files.values()].join("");
    expect(text).toContain(ADA.email);
    for (const secret of [hash, "scrypt$", refresh_token, KEY]) expect(text).not.toContain(secret);
    expect([...files.keys()]).not.toContain("tables/sessions.jsonl");
    expect([...files.keys()]).not.toContain("tables/refresh_tokens.jsonl");
    const sealed = text.includes('"password_hash":"sealed.');
    expect(sealed).toBe("BACKUP_KEY" in settings);
  }
});

test("a shop that lost its accounts has them back by BACKUP_KEY, with their passwords", async () => {
  await registerAda();
  const { backup } = await saved(apiOf(admin));
  await env.DB.prepare("DELETE FROM users WHERE email = ?").bind(ADA.email).run();
  expect(await restoreShop(apiOf(admin), backup, quiet)).toMatchObject({ kind: "open" });
  expect(await signsIn(ADA.password)).toBe(200);
});

test("whom a restore brings back who was erased, the next clean-up erases again", async () => {
  const { user } = await registerAda();
  const { backup } = await saved(apiOf(admin));
  expect((await ask("DELETE", `/users/${user.id}`, undefined, admin.headers)).status).toBe(204);
  testClock.advance(5 * 24 * 3_600_000);
  expect(await restoreShop(apiOf(admin), backup, quiet)).toMatchObject({ kind: "open" });
  const email = () => env.DB.prepare("SELECT email FROM users WHERE id = ?").bind(user.id).first("email");
  expect(await email()).toBe(ADA.email);
  expect(await signsIn(ADA.password)).toBe(401);
  expect((await ask("POST", "/jobs/clean-up/run", {}, admin.headers)).status).toBe(200);
  expect(await email()).toBe(`${user.id}@erased.invalid`);
});

test("without it they have none, and ask for a new one by mail", async () => {
  await registerAda();
  const { backup } = await saved(apiOf(admin, {}));
  await env.DB.prepare("DELETE FROM users WHERE email = ?").bind(ADA.email).run();
  expect(await restoreShop(apiOf(admin, {}), backup, quiet)).toMatchObject({ kind: "open" });
  expect(await signsIn(ADA.password)).toBe(401);
  expect(await hashOf(ADA.email)).toBe("none");
});

test("what another key sealed is not loaded, and the field is named", async () => {
  await registerAda();
  const { backup } = await saved(apiOf(admin, { BACKUP_KEY: `${KEY}!` }));
  await expect(restoreShop(apiOf(admin), backup, quiet)).rejects.toThrow("422");
  await expect(restoreShop(apiOf(admin, {}), backup, quiet)).rejects.toThrow("BACKUP_KEY");
});

test("a password that was changed since the backup stays, and so does who signed out", async () => {
  const { access_token, refresh_token } = await registerAda();
  const kept = (await ask("POST", "/auth/token", ADA)).body;
  const { backup } = await saved(apiOf(admin));
  const change = { current_password: ADA.password, new_password: "difference engine" };
  expect((await ask("POST", "/me/password", change, bearer(kept.access_token))).status).toBe(204);
  // Twice: the second try finds what the first has emptied.
  const dying = createApi("http://shop.test", admin.token, async () => Promise.reject(new Error("died")));
  await expect(restoreShop(dying, backup, quiet)).rejects.toThrow("died");
  for (let time = 0; time < 2; time++) {
    expect(await restoreShop(apiOf(admin), backup, quiet)).toMatchObject({ kind: "open" });
  }
  expect([await signsIn(ADA.password), await signsIn(change.new_password)]).toEqual([401, 200]);
  expect((await ask("GET", "/me", undefined, bearer(access_token))).status).toBe(401);
  expect((await ask("POST", "/auth/refresh", { refresh_token })).status).toBe(401);
  expect((await ask("GET", "/me", undefined, bearer(kept.access_token))).status).toBe(200);
  expect(await env.DB.prepare("SELECT count(*) AS n FROM kept_passwords").first("n")).toBe(0);
});

test("a restore that dies while users are half loaded loses no password", async () => {
  await registerAda();
  const hash = await hashOf(ADA.email);
  const { backup } = await saved(apiOf(admin, {}));
  const generation = await closed();
  const proof = await proofOf(generation);
  const load = (rows: object[]) =>
    post("/ops/backup/tables/users", { generation, proof, first: true, rows }, admin.headers);
  expect((await load([])).status).toBe(200);
  expect(await hashOf(ADA.email)).toBeNull();
  // Who runs it has to be made anew, since the proof asks for a password that is there.
  const api = extendingApi(apiOf(await signIn("admin"), {}), (token) => apiOf({ token }, {}));
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open" });
  expect(await hashOf(ADA.email)).toBe(hash);
});

const closed = async (): Promise<number> => {
  const answer = await post("/ops/selling", { state: "restoring" }, admin.headers);
  return (await answer.json<{ generation: number }>()).generation;
};

const prove = (generation: number, password = PASSWORD, headers: Record<string, string> = admin.headers) =>
  ask("POST", "/ops/backup/proof", { generation, password }, headers);

const proofOf = async (generation: number): Promise<string> => {
  const { body } = await prove(generation);
  return (body as unknown as { proof: string }).proof;
};

test("users and roles are loaded only with the password of whoever restores, for this restore", async () => {
  const other = await signIn("admin");
  const generation = await closed();
  const NEEDED = { status: 403, body: { code: "proof_needed", errors: [{ field: "proof" }] } };
  const load = (table: string, more: object = {}, headers = admin.headers) =>
    ask("POST", `/ops/backup/tables/${table}`, { generation, first: false, rows: [], ...more }, headers);
  expect(await prove(generation, "a stolen token has none")).toMatchObject({
    status: 422,
    body: { code: "wrong_password", errors: [{ field: "password" }] },
  });
  const proof = await proofOf(generation);
  for (const table of ["users", "roles"]) {
    expect(await load(table)).toMatchObject(NEEDED);
    expect(await load(table, { proof: `${proof}x` })).toMatchObject(NEEDED);
    expect(await load(table, { proof: admin.token })).toMatchObject(NEEDED);
    expect(await load(table, { proof }, other.headers)).toMatchObject(NEEDED);
    expect((await load(table, { proof })).status).toBe(200);
  }
  expect((await load("categories")).status).toBe(200);
  await post("/ops/selling", { state: "open", generation }, admin.headers);
  const next = await closed();
  expect(await load("users", { generation: next, proof })).toMatchObject(NEEDED);
});

test("the password is not guessed there faster than at the sign-in", async () => {
  const generation = await closed();
  const statuses = [];
  for (let time = 0; time < 12; time++) statuses.push((await prove(generation, `guess ${time}`)).status);
  expect(statuses.slice(0, 5)).toEqual([422, 422, 422, 422, 422]);
  expect(statuses.at(-1)).toBe(429);
});
