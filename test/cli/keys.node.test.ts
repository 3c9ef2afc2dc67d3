import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { importRing } from "../../src/accounts/keys.ts";
import { makeMissingSecrets, readDevVars } from "../../src/cli/local-settings.ts";
import { settingsSchema } from "../../src/platform/settings.ts";
import { runCommand } from "../support/command.ts";
import { freshState, removeState } from "../support/server.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = freshState();
  path = join(directory, "dev.vars");
});
afterEach(() => removeState(directory));

const rotate = () => runCommand("keys", ["rotate"], { DEV_VARS: path });

/** The kids of this machine's shop: the one that signs, then the others that are accepted. */
async function kids(): Promise<string[]> {
  const { JWT_PRIVATE_KEY, JWT_ACCEPTED_KEYS } = settingsSchema.parse(readDevVars(path));
  const ring = await importRing(JWT_PRIVATE_KEY, JWT_ACCEPTED_KEYS);
  return ring.kind === "ready" ? [...ring.ring.accepted.keys()] : [];
}

test("a new key signs, two older ones are accepted, and the file keeps all else", async () => {
  writeFileSync(path, "# mine\nSHOP_URL=https://shop.example");
  await makeMissingSecrets({}, path);
  const seen = [await kids()];
  for (let n = 0; n < 3; n++) {
    expect(await rotate()).toMatchObject({ code: 0 });
    seen.push(await kids());
  }
  const [[first] = [], [second] = [], [third] = [], [fourth] = []] = seen;
  expect(seen).toEqual([[first], [second, first], [third, second, first], [fourth, third, second]]);
  expect(new Set([first, second, third, fourth]).size).toBe(4);
  expect(readFileSync(path, "utf8")).toMatch(/^# mine\nSHOP_URL=https:\/\/shop\.example\n/);
  expect(readFileSync(path, "utf8").match(/"d":/g)).toHaveLength(1);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("without a key, or with one on several lines, nothing is changed", async () => {
  writeFileSync(path, "SHOP_URL=https://shop.example\n");
  expect(await rotate()).toMatchObject({ code: 1 });
  const pem = `JWT_PRIVATE_KEY="-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----"\n`;
  writeFileSync(path, pem);
  expect(await rotate()).toMatchObject({ code: 1 });
  expect(readFileSync(path, "utf8")).toBe(pem);
});
