import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CloudflareStub } from "../../support/cloudflare-stub.ts";

/** `npm run deploy` with the real wrangler, on an account that stands behind the address that wrangler asks. */

const SHOP = "corner-shop";
const QUEUES = ["orders", "payments", "notifications", "inventory", "default", "dead-letters"];

let stub: CloudflareStub;
let directory: string;
let api: Record<string, string>;
beforeEach(async () => {
  stub = new CloudflareStub();
  api = await stub.listen();
  directory = mkdtempSync(join(tmpdir(), "holdfast-deploys-"));
});
afterEach(async () => {
  await stub.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Ran {
  code: number;
  lines: string[];
}

const SETTINGS = { MAIL_FROM: "Corner Shop <orders@corner.example>" };

function deploy(args: string[], settings: Record<string, string> = SETTINGS): Promise<Ran> {
  const environment = {
    ...{ PATH: process.env.PATH ?? "", HOME: directory, TMPDIR: tmpdir() },
    ...{
      CLOUDFLARE_API_TOKEN: "token",
      CLOUDFLARE_ACCOUNT_ID: "account",
      DEPLOY_DIR: join(directory, "deploy"),
    },
    ...api,
    ...settings,
  };
  return new Promise((resolve) => {
    const command = ["run", "-s", "deploy", "--", "--name", SHOP, ...args];
    execFile("npm", command, { env: environment, timeout: 170_000 }, (error, stdout, stderr) => {
      const lines = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
      resolve({ code: error ? 1 : 0, lines });
    });
  });
}

const writes = () => stub.calls.filter(({ name }) => !name.startsWith("GET "));
const config = () => JSON.parse(readFileSync(join(directory, "deploy", `${SHOP}.json`), "utf8"));
const to = () => ["--email", "Ada@corner.example", "--url", stub.origin];
const admins = () =>
  stub.databases
    .get(SHOP)
    ?.db.prepare("SELECT email, role FROM users")
    .all()
    .map((row) => ({ ...row }));

test("an empty account, broken twice and run again, comes to be a shop; once more, and nothing is made anew", async () => {
  stub.broken = "POST /queues";
  const first = await deploy(to());
  expect([first.code, stub.queues.size, stub.uploads.length]).toEqual([1, 0, 0]);
  stub.broken = "PUT /workers/scripts";
  const second = await deploy(to());
  expect([second.code, stub.queues.size, stub.uploads.length]).toEqual([1, 6, 0]);
  expect(second.lines).toContain(`database ${SHOP}: found`);
  stub.broken = null;
  const third = await deploy(to());
  expect([third.code, third.lines.slice(-2)]).toEqual([
    0,
    [`smoke test: ${stub.origin}/health/ready: 200`, `smoke test: ${stub.origin}/api/v1/products: 200`],
  ]);
  expect(third.lines.filter((line) => line.includes("shown this once")).length).toBe(4);

  expect([...stub.databases.keys(), ...stub.namespaces.map(({ title }) => title)]).toEqual([
    SHOP,
    `${SHOP}-cache`,
  ]);
  expect([...stub.queues.keys()].sort()).toEqual(QUEUES.map((queue) => `${SHOP}-${queue}`).sort());
  expect(admins()).toEqual([{ email: "ada@corner.example", role: "admin" }]);
  expect([...stub.secrets.keys()].sort()).toEqual([
    "BACKUP_KEY",
    "JWT_PRIVATE_KEY",
    "METRICS_TOKEN",
    "PAYMENT_WEBHOOK_SECRET",
  ]);
  expect(config()).toMatchObject({
    name: SHOP,
    vars: { ENVIRONMENT: "production", MAIL_FROM: SETTINGS.MAIL_FROM },
    d1_databases: [{ database_name: SHOP, database_id: stub.databases.get(SHOP)?.uuid }],
    kv_namespaces: [{ id: stub.namespaces[0]?.id }],
  });
  // No secret is in what belongs into a repository.
  for (const secret of stub.secrets.values()) expect(JSON.stringify(config())).not.toContain(secret);

  const keys = new Map(stub.secrets);
  const before = stub.calls.length;
  const again = await deploy(["--url", stub.origin], {});
  expect(again.code, again.lines.join("\n")).toBe(0);
  const made = stub.calls.slice(before).map(({ name }) => name);
  expect(made.filter((name) => /^POST .*(?:d1\/database|namespaces)$/.test(name))).toEqual([]);
  expect(again.lines).toContain("admin: found");
  expect(stub.secrets).toEqual(keys);
  expect(config().vars.MAIL_FROM).toBe(SETTINGS.MAIL_FROM);
}, 400_000);

test("without its settings nothing is touched; a plan asks the account nothing, and leaves no file", async () => {
  const bare = await deploy(to(), {});
  expect([bare.code, writes()]).toEqual([1, []]);
  expect(bare.lines.join("\n")).toContain("MAIL_FROM is still the development default");
  const stripe = await deploy(to(), { ...SETTINGS, PAYMENT_PROVIDER: "stripe" });
  expect([stripe.code, writes()]).toEqual([1, []]);
  expect(stripe.lines.join("\n")).toContain("STRIPE_SECRET_KEY is missing");
  const asked = stub.calls.length;
  const plan = await deploy(["--dry-run", "--email", "ada@corner.example"]);
  expect([plan.code, stub.calls.length]).toEqual([0, asked]);
  expect(plan.lines).toContain("Worker: builds");
  expect(plan.lines).toContain(
    "secrets made, unless the Worker has them: BACKUP_KEY, JWT_PRIVATE_KEY, METRICS_TOKEN, PAYMENT_WEBHOOK_SECRET",
  );
  expect(() => config()).toThrow();
  expect((await deploy(["--name", "Corner Shop"])).code).toBe(1);
}, 200_000);
