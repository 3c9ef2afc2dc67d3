import { spawn } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readDirectory, writeDirectory, writeManifest } from "../../../src/cli/backup-directory.ts";
import { projectRoot } from "../../../src/cli/wrangler.ts";
import { exactInventory, placedOrder, placeOrder, stockProducts } from "../../support/http-shop.ts";
import {
  ADMIN_PASSWORD,
  adminApi,
  freshState,
  removeState,
  type Server,
  startServer,
} from "../../support/server.ts";

/** A backup is loaded where the key is that sealed its secrets. */
const BACKUP_KEY = "a-key-that-seals-what-is-secret-in-backups";

const directory = freshState();
const servers: Server[] = [];
afterAll(async () => {
  for (const server of [...servers]) await forget(server);
  removeState(directory);
});

async function forget(server: Server): Promise<void> {
  servers.splice(servers.indexOf(server), 1);
  await server.stop();
  removeState(server.stateDir);
}

async function start(options: string[] = []): Promise<Server> {
  const server = await startServer({ options, env: { BACKUP_KEY } });
  servers.push(server);
  return server;
}

async function allOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** Runs a command to its end, with nothing of this machine's own settings. */
async function run(command: "backup" | "restore", args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(projectRoot, `src/cli/${command}.ts`), ...args], {
    cwd: directory,
    env: { PATH: process.env.PATH, DEV_VARS: join(directory, "none.vars"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, output };
}

const MANIFEST = {
  format: 1 as const,
  made_at: "2026-01-01T00:00:00.000Z",
  schema: "0",
  tables: ["orders"],
  products: 0,
};

test("a directory is read as it was written, and only when it is whole", async () => {
  const place = join(directory, "whole");
  const writer = writeDirectory(place);
  const rows = Array.from({ length: 3_000 }, (_, index) => ({ id: index, note: "€ \u2028 \n" }));
  await Promise.all([
    writer.append("tables/orders.jsonl", rows),
    writer.append("tables/orders.jsonl", [{ id: -1 }]),
  ]);
  await expect(readDirectory(place)).rejects.toThrow("has no manifest.json");
  const files = await writer.close();
  writeManifest(place, { ...MANIFEST, files });

  const reader = await readDirectory(place);
  expect(await allOf(reader.rows("tables/orders.jsonl"))).toEqual([...rows, { id: -1 }]);
  expect(await allOf(reader.rows("tables/none.jsonl"))).toEqual([]);
  expect(statSync(join(place, "tables/orders.jsonl")).mode & 0o777).toBe(0o600);
  expect(() => writeDirectory(place)).toThrow("is not empty");
  appendFileSync(join(place, "tables/orders.jsonl"), "{}\n");
  await expect(readDirectory(place)).rejects.toThrow("tables/orders.jsonl is not as the backup wrote it");
});

test("the commands refuse what they do not know, and change nothing unasked", {
  timeout: 60_000,
}, async () => {
  const place = join(directory, "asked");
  writeDirectory(place);
  writeManifest(place, { ...MANIFEST, files: [] });
  expect(await run("backup", ["--oat", "x"])).toMatchObject({
    code: 1,
    output: expect.stringContaining("--oat"),
  });
  expect(await run("restore", [place, "--yas"])).toMatchObject({
    code: 1,
    output: expect.stringContaining("--yas"),
  });
  expect(await run("restore", [join(directory, "nowhere"), "--yes"])).toMatchObject({ code: 1 });
  expect(await run("restore", [place])).toEqual({
    code: 1,
    output: "Nothing was changed. --yes goes on without asking.\n",
  });
  expect(await run("backup", ["--out", join(directory, "unsigned"), "--url", "http://127.0.0.1:9"])).toEqual({
    code: 1,
    output: "Pass a --token that has not expired, or set ADMIN_EMAIL and ADMIN_PASSWORD.\n",
  });
});

test("a shop's backup makes another shop the same", { timeout: 240_000 }, async () => {
  const place = join(directory, "shop");
  const from = await start();
  const api = await adminApi(from);
  const products = await stockProducts(api, "backup", [7]);
  const productId = products[0] ?? "";
  const order = placedOrder(await placeOrder(from.url, [{ product_id: productId, quantity: 2 }]));
  const before = await exactInventory(api, productId);
  const saved = await run("backup", ["--out", place, "--url", from.url, "--token", await from.adminToken()]);
  expect(saved).toMatchObject({ code: 0, output: expect.stringMatching(/rows in \d+ files/) });
  await forget(from);

  const to = await start(["--no-seed"]);
  const given = [place, "--yes", "--url", to.url, "--token", await to.adminToken()];
  expect(await run("restore", given)).toEqual({
    code: 1,
    output: "Set ADMIN_PASSWORD: a restore asks for the password again.\n",
  });
  const restored = await run("restore", given, { ADMIN_PASSWORD });
  expect(restored).toMatchObject({ code: 0, output: expect.stringContaining("Selling goes on.") });
  // This shop knew of nothing since; its provider may.
  expect(restored.output).toContain("compare all payments and refunds of it with the payment provider");
  const [report = ""] = readdirSync(directory).filter((name) => /^restored-\w+\.json$/.test(name));
  expect(JSON.parse(readFileSync(join(directory, report), "utf8"))).toMatchObject({
    from: expect.any(String),
    to: expect.any(String),
    after_another_restore: false,
    ...{ orders: [], payments: [], refunds: [], payment_events: [] },
  });
  expect(statSync(join(directory, report)).mode & 0o777).toBe(0o600);
  expect(await exactInventory(await adminApi(to), productId)).toMatchObject({
    on_hand: before.on_hand,
    reserved: before.reserved,
  });
  const read = await fetch(`${to.url}/api/v1/orders/${order.reference}`, {
    headers: { "x-order-token": order.access_token },
  });
  expect(await read.json()).toMatchObject({ id: order.id, status: order.status });
  expect(await placeOrder(to.url, [{ product_id: productId, quantity: 1 }])).toMatchObject({ status: 201 });
  await forget(to);
});
