import { execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { adminApi, freshState, removeState, type Server, startServer } from "../../support/server.ts";

const stateDir = freshState();
const devVars = join(stateDir, "dev.vars");
afterAll(() => removeState(stateDir));

const curlShim = fileURLToPath(new URL("../../support/curl.ts", import.meta.url).href);
const placed = z.object({
  reference: z.string(),
  status: z.string(),
  access_token: z.string(),
  created_at: z.string(),
  items: z.array(z.object({ product_id: z.string() })),
});

/** Runs a printed line as a person's shell would, by curl itself where the machine has it. */
function runInShell(line: string): unknown {
  const script = `command -v curl >/dev/null || curl() { "$NODE" "$SHIM" "$@"; }\n${line}`;
  const env = { ...process.env, NODE: process.execPath, SHIM: curlShim };
  return JSON.parse(execFileSync("sh", ["-c", script], { env, encoding: "utf8" }));
}

const printedOrder = (server: Server): string => {
  const line = /^ {2}(curl .*)$/m.exec(server.output())?.[1];
  if (line === undefined) throw new Error(`no curl was printed:\n${server.output()}`);
  return line;
};

/** The line that the Worker logged of a route, which stands in the terminal. */
const logged = (server: Server, route: string): unknown =>
  server
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))
    .find((line) => line.route === route);

/** wrangler's pages about what is stored here, and its SQL without a password. */
async function expectNoExplorer({ url }: Server): Promise<void> {
  for (const path of ["", "/", "/api", "/api/d1/database", "/api/storage/kv/namespaces"]) {
    expect([path, (await fetch(`${url}/cdn-cgi/local/explorer${path}`)).status]).toEqual([path, 404]);
  }
}

test("a shop starts from nothing, sells, stops, and starts again with all it had", {
  timeout: 240_000,
}, async () => {
  writeFileSync(
    devVars,
    "CURRENCY='EUR'\nMAIL_FROM='Somebody <else@shop.example>'\nADMIN_EMAIL='file@shop.example'",
  );

  const first = await startServer({ stateDir });
  const order = placed.parse(runInShell(printedOrder(first)));
  const productId = order.items[0]?.product_id ?? "";
  const api = await adminApi(first); // signs in as ADMIN_EMAIL of the environment, which beats the file's
  const products = z.object({ count: z.number(), results: z.array(z.object({ price: z.unknown() })) });
  const demo = await api.get("/products", products);

  expect(order.status).toBe("confirmed");
  expect(demo.count).toBe(12);
  expect(demo.results[0]?.price).toMatchObject({ currency: "EUR" }); // the file's, which nothing beats
  expect(readFileSync(devVars, "utf8")).toMatch(/^ADMIN_EMAIL='file@shop\.example'$/m); // kept as it was
  expect(readFileSync(devVars, "utf8")).toMatch(/^JWT_PRIVATE_KEY='\{.*\}'$/m);
  expect(readFileSync(devVars, "utf8")).toMatch(/^PAYMENT_WEBHOOK_SECRET='whsec_.{44}'$/m);
  expect(statSync(devVars).mode & 0o777).toBe(0o600);
  const stock = z.object({ on_hand: z.number(), reserved: z.number() });
  const before = await api.get(`/inventory/${productId}`, stock);
  expect(logged(first, "/api/v1/orders")).toMatchObject({ method: "POST", status: 201 });
  expect((await fetch(`${first.url}/docs/assets/swagger-ui.css`)).status).toBe(200);
  await expectNoExplorer(first);
  expect(await first.stop()).toBe(0); // and throws when it leaves a process behind

  const secrets = readFileSync(devVars, "utf8");
  const second = await startServer({ stateDir });
  const again = await adminApi(second);
  const read = await fetch(`${second.url}/api/v1/orders/${order.reference}`, {
    headers: { "x-order-token": order.access_token },
  });

  expect(readFileSync(devVars, "utf8")).toBe(secrets);
  expect(await read.json()).toMatchObject({ reference: order.reference, created_at: order.created_at });
  expect((await again.get("/products", products)).count).toBe(12);
  expect(before).toMatchObject({ reserved: 1 });
  expect(await again.get(`/inventory/${productId}`, stock)).toEqual(before);
  expect(await second.stop()).toBe(0);

  // `npm run dev` goes on with the same data.
  const third = await startServer({ stateDir, options: ["--watch"] });
  expect(await (await adminApi(third)).get(`/inventory/${productId}`, stock)).toEqual(before);
  await expectNoExplorer(third);
  expect(await third.stop()).toBe(0);
});
