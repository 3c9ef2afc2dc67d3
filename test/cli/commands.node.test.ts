import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { verifyPassword } from "../../src/accounts/password.ts";
import { planSeed } from "../../src/cli/seed-data.ts";
import { weakSettings } from "../../src/cli/weak-settings.ts";
import { runCommand } from "../support/command.ts";
import { freshState, removeState } from "../support/server.ts";

let directory: string;
beforeEach(() => {
  directory = freshState();
});
afterEach(() => removeState(directory));

const run = (command: string, args: string[], env: Record<string, string> = {}) =>
  runCommand(command, args, { STATE_DIR: directory, DEV_VARS: join(directory, "dev.vars"), ...env });

test("a port that is taken is told before anything is started", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  const port = typeof address === "object" && address ? String(address.port) : "";

  expect(await run("start", [], { PORT: port })).toEqual({
    code: 1,
    output: `Port ${port} is in use: set PORT to another.\n`,
  });

  await new Promise((resolve) => other.close(resolve));
});

test.each([
  ["start", ["--no-sead"], "--sead is not known here; --help tells what is.\n"],
  ["seed", ["--products", "0"], "--products must be a whole number from 1.\n"],
  ["seed", ["--product", "5"], "--product, 5 is not known here; --help tells what is.\n"],
  ["admin", ["create", "--email", "nobody"], "--email is not an e-mail address.\n"],
  [
    "admin",
    ["create", "--email", "a@shop.example", "--password", "short"],
    "--password must have 10 characters at least.\n",
  ],
])("%s %j is refused", async (command, args, output) => {
  expect(await run(command, args)).toEqual({ code: 1, output });
});

test.each(["environment", ".dev.vars"])(
  "production of %s is not run on this machine, and no secrets are made for it",
  async (source) => {
    const devVars = join(directory, "dev.vars");
    const inFile = source === ".dev.vars";
    if (inFile) writeFileSync(devVars, "ENVIRONMENT='production'\n");
    const { code, output } = await run("start", [], {
      PORT: "0",
      ...(inFile ? {} : { ENVIRONMENT: "production" }),
    });
    expect(code).toBe(1);
    expect(output).toMatch(
      /^npm start runs a shop for development, .* does not run with ENVIRONMENT=production\./,
    );
    expect(existsSync(devVars) ? readFileSync(devVars, "utf8") : "").not.toContain("JWT_PRIVATE_KEY");
  },
);

test("the check names each setting that is wrong", async () => {
  expect(await run("check", [])).toEqual({ code: 0, output: "Settings and bindings are right.\n" });
  const wrong = await run("check", [], { HOLD_SECONDS: "1", TIME_ZONE: "Mars/Olympus" });
  expect(wrong.code).toBe(1);
  expect(wrong.output).toMatch(/^HOLD_SECONDS /m);
  expect(wrong.output).toMatch(/^TIME_ZONE is not an IANA time zone$/m);
  const production = await run("check", [], { ENVIRONMENT: "production" });
  expect(production.code).toBe(1);
  expect(production.output).toMatch(/^JWT_PRIVATE_KEY is missing$/m);
});

test("the check names all that is wrong at once, and tries the key", async () => {
  const wrong = await run("check", [], {
    ...{ ENVIRONMENT: "production", HOLD_SECONDS: "1", PAYMENT_PROVIDER: "stripe" },
    JWT_PRIVATE_KEY: '{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}',
  });
  expect(wrong.code).toBe(1);
  const named = wrong.output.split("\n").flatMap((line) => /^[A-Z_]{5,}/.exec(line)?.[0] ?? []);
  expect(named.sort()).toEqual([
    "CACHE",
    ...["HOLD_SECONDS", "JWT_PRIVATE_KEY", "MAIL_FROM", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"],
  ]);
});

test("the check names what is weak, open to everybody or of no use", async () => {
  const given = {
    ...{ METRICS_TOKEN: "secret", ADMIN_PASSWORD: "aaaaaaaaaaaaaaaaaaaa", MAIL_FROM: "Shop" },
    ...{
      CORS_ORIGINS: "https://shop.example/,*,http://a.example",
      ALLOWED_HOSTS: "https://api.shop.example,*",
    },
    ...{ SHOP_URL: "http://shop.example", ORDER_URL: "http://shop.example/{order_id}" },
    STRIPE_API_URL: "http://stub.example",
  };
  const lines = async (more: Record<string, string>) =>
    (await run("check", [], { ...given, ...more })).output
      .split("\n")
      .filter((line) => / (has what|has no e-mail|must) /.test(line));
  const unusable = [
    "CORS_ORIGINS has what is no origin, as https://shop.example is: https://shop.example/",
    "ALLOWED_HOSTS has what is no host name, as api.shop.example is: https://api.shop.example",
    "MAIL_FROM has no e-mail address to send from",
  ];
  const https = "must be https, or who is on the way reads along";
  expect(await lines({})).toEqual(unusable);
  expect(await lines({ ENVIRONMENT: "production" })).toEqual([
    ...unusable,
    "METRICS_TOKEN must have 24 random characters at least",
    "ADMIN_PASSWORD must have 14 characters at least, not the same ones",
    "CORS_ORIGINS must name them: * is everybody",
    "ALLOWED_HOSTS must name them: * is everybody",
    `CORS_ORIGINS ${https}: http://a.example`,
    ...[`SHOP_URL ${https}`, `ORDER_URL ${https}`, `STRIPE_API_URL ${https}`],
  ]);
});

test.each<[string, string, boolean]>([
  ["CORS_ORIGINS", "https://shop.example, https://admin.shop.example:8443", true],
  ["CORS_ORIGINS", "shop.example", false],
  ["CORS_ORIGINS", "https://shop.example/path", false],
  ["CORS_ORIGINS", "null", false],
  ["ALLOWED_HOSTS", "api.shop.example,localhost:8787,[::1]:8787", true],
  ["ALLOWED_HOSTS", "api.shop.example/", false],
  ["ALLOWED_HOSTS", "a b", false],
  ["MAIL_FROM", "orders@shop.example", true],
  ["MAIL_FROM", "Shop <orders@shop.example>", true],
  ["MAIL_FROM", "Shop <orders>", false],
  ["METRICS_TOKEN", "k3J9vQx2LmZ7pT4wR8sY1bN6", true],
  ["METRICS_TOKEN", "abababababababababababab", false],
  ["ADMIN_PASSWORD", "correct horse battery", true],
  ["ADMIN_PASSWORD", "correct horse", false],
  ["SHOP_URL", "https://shop.example", true],
])("in production %s=%s is strong enough and of use: %s", (name, value, right) => {
  expect(weakSettings({ [name]: value }, true)).toHaveLength(right ? 0 : 1);
});

test("a directory that another server uses is refused, and so is its deletion", async () => {
  const holding =
    "require('fs').openSync(process.argv[1], 'r'); console.log('open'); setInterval(() => {}, 1e6)";
  const other = spawn(process.execPath, ["-e", holding, directory]);
  try {
    await new Promise((resolve) => other.stdout.once("data", resolve));
    expect(await run("start", [], { PORT: "0" })).toEqual({
      code: 1,
      output: `A server runs on ${directory} (process ${other.pid}): stop it, or set STATE_DIR to another directory.\n`,
    });
  } finally {
    other.kill("SIGKILL");
  }
});

test.each([
  ["seed", []],
  ["dead-letters", ["list"]],
])("%s says where it looked for a shop, and what to do", async (command, args) => {
  const env = { PORT: "9", ADMIN_EMAIL: "ada@shop.example", ADMIN_PASSWORD: "correct horse" };
  const { code, output } = await run(command, args, env);
  expect(code).toBe(1);
  expect(output).toMatch(
    /^No shop answers at http:\/\/127\.0\.0\.1:9 \(.*\): start it with npm start, or name another by --url or PORT\.$/m,
  );
});

test("the password that npm start keeps is not changed behind its back", async () => {
  const args = ["create", "--email", " Ada@shop.example", "--password", "correct horse"];
  const refused = await run("admin", args, { ADMIN_EMAIL: "ada@shop.example" });
  expect(refused.code).toBe(1);
  expect(refused.output).toContain("change ADMIN_PASSWORD in ");
});

test("an admin's statement holds the password's hash and quotes what it is given", {
  timeout: 60_000,
}, async () => {
  const password = "correct horse";
  const args = [
    "create",
    "--sql",
    "--email",
    " Grace@Shop.example ",
    "--name",
    "Grace O'Hara",
    "--password",
    password,
  ];
  const { code, output } = await run("admin", args);
  expect(code).toBe(0);
  expect(output).toContain("'grace@shop.example', 'Grace O''Hara', 'scrypt$");
  expect(output).not.toContain(password);
  const hash = /'(scrypt\$[^']+)'/.exec(output)?.[1] ?? "";
  expect(await verifyPassword(password, hash)).toBe(true);
});

test("a seed is the same each time, and makes 7,000 inventory rows of 1,200 products", () => {
  const size = { products: 1200, stores: 25, categories: 15 };
  const plan = planSeed(size, "USD");
  expect(planSeed(size, "USD")).toEqual(plan);
  expect(new Set(plan.products.map((product) => product.sku)).size).toBe(1200);
  expect(new Set(plan.stores.map((store) => store.name)).size).toBe(25);
  expect(new Set(plan.categories.map((category) => category.name)).size).toBe(15);
  const rows = plan.products.flatMap(({ sku, stock }) => stock.map(({ store }) => `${sku} ${store}`));
  expect(new Set(rows).size).toBe(7200);
  expect(planSeed({ products: 1, stores: 1, categories: 1 }, "JPY").products[0]?.stock.length).toBe(1);
});
