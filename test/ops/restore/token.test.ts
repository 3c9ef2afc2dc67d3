import { env, exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { createApi } from "../../../src/cli/api.ts";
import { extendingApi } from "../../../src/cli/extending-api.ts";
import { restoreShop } from "../../../src/cli/restore-shop.ts";
import { quiet, saved } from "../../chaos/shop-backup.ts";
import { testClock } from "../../support/clock.ts";
import { givenShop, post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";

/** Access tokens while a restore goes on: whoever began it can end it, whoever the backup's users are. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const apiOf = (token: string, before: () => void = () => {}) =>
  createApi("http://shop.test", token, (url, init) => {
    before();
    return exports.default.fetch(url, init);
  });

const extend = (headers: Record<string, string>) => post("/ops/backup/token", undefined, headers);

test("a restore that takes hours is ended by who began it, though the backup has no such user", async () => {
  await givenShop([[1]]);
  const { backup } = await saved(apiOf((await signIn("admin")).token));
  await env.DB.prepare("DELETE FROM users").run();
  const { token } = await signIn("admin");
  const slow = (of: string) => apiOf(of, () => testClock.advance(MINUTE));
  const api = extendingApi(slow(token), slow, () => testClock.now());
  const began = testClock.now();
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open" });
  expect(testClock.now() - began).toBeGreaterThan(30 * MINUTE);
});

test("only a restore's token is extended: an admin's, while the shop is closed for it, for a day", async () => {
  const admin = await signIn("admin");
  const staff = await signIn("staff");
  let generation: number | undefined;
  const set = async (state: string) => {
    const answer = await post("/ops/selling", { state, generation }, admin.headers);
    expect(answer.status).toBe(200);
    generation = (await answer.json<{ generation: number }>()).generation;
  };
  expect((await extend(admin.headers)).status).toBe(409);
  await set("stopped");
  expect((await extend(admin.headers)).status).toBe(409);
  await set("restoring");
  expect((await extend(staff.headers)).status).toBe(403);
  const given = await (await extend(admin.headers)).json<{ access_token: string; expires_in: number }>();
  testClock.advance(14 * MINUTE);
  let headers = { authorization: `Bearer ${given.access_token}` };
  await set("stopped");
  for (let passed = 0; passed < 25 * HOUR; passed += 10 * MINUTE) {
    const answer = await extend(headers);
    if (answer.status === 401) break;
    headers = { authorization: `Bearer ${(await answer.json<{ access_token: string }>()).access_token}` };
    testClock.advance(10 * MINUTE);
  }
  expect((await extend(headers)).status).toBe(401);
});
