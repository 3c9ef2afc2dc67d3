import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { unstable_getVarsForDev as varsForDev } from "wrangler";
import { settingsToDeploy } from "../../src/cli/deploy-settings.ts";
import {
  makeMissingSecrets,
  mergeSettings,
  readDevVars,
  writeSettings,
} from "../../src/cli/local-settings.ts";
import { checkSettings } from "../../src/platform/settings.ts";
import { freshState, removeState } from "../support/server.ts";

let directory: string;
beforeEach(() => {
  directory = freshState();
});
afterEach(() => removeState(directory));

/** What wrangler makes of the file and the arguments that it is handed. */
function received({ envFile, vars }: { envFile: string; vars: string[] }): Record<string, unknown> {
  const fromFile = varsForDev(undefined, [envFile], {}, undefined, true);
  const values = Object.entries(fromFile).map(([name, binding]) => [
    name,
    "value" in binding && binding.value,
  ]);
  const fromArguments = vars.map((pair) => [
    pair.slice(0, pair.indexOf(":")),
    pair.slice(pair.indexOf(":") + 1),
  ]);
  return Object.fromEntries([...values, ...fromArguments]);
}

test("every value reaches the Worker as it was given", () => {
  const settings = {
    PLAIN: "5",
    JSON_KEY: '{"kty":"OKP","d":"a-b_c"}',
    PEM: "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\nBQ==\n-----END PRIVATE KEY-----\n",
    QUOTES: `it's "quoted"`,
    ALL_QUOTES: `it's "quoted" \`thrice\``,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what must not be expanded
    DOLLARS: "pa$$word ${HOME} $HOME \\$HOME",
    HASH: "a # no comment",
    SPACES: "  kept  ",
    BACKSLASH: "C:\\",
    ESCAPES: "a\\nb\\t",
    RETURNS: "a\r\nb",
    COLON: "a:b=c",
    UNICODE: "ключ 🔑",
  };

  const written = writeSettings(settings, directory);

  expect(received(written)).toEqual(settings);
  expect(statSync(written.envFile).mode & 0o777).toBe(0o600);
});

test("a file that others could read becomes private, with the settings of now", () => {
  writeFileSync(join(directory, "settings.env"), "OLD='1'\n", { mode: 0o644 });
  const written = writeSettings({ NEW: "2" }, directory);
  expect(received(written)).toEqual({ NEW: "2" });
  expect(statSync(written.envFile).mode & 0o777).toBe(0o600);
});

test("the environment beats the file, where it says something about a setting", () => {
  const merged = mergeSettings(
    { HOLD_SECONDS: "60", CURRENCY: "EUR", SOMETHING_ELSE: "kept", MAIL_FROM: "file" },
    { HOLD_SECONDS: "5", CURRENCY: "", PAYMENT_WEBHOOK_SECRET: "whsec_x", PATH: "/bin", UNKNOWN: "x" },
  );
  expect(merged).toEqual({
    HOLD_SECONDS: "5",
    CURRENCY: "EUR",
    SOMETHING_ELSE: "kept",
    MAIL_FROM: "file",
    PAYMENT_WEBHOOK_SECRET: "whsec_x",
  });
});

test("secrets that are missing are made, kept, and good enough to run with", async () => {
  const path = join(directory, "dev.vars");
  writeFileSync(path, "ADMIN_EMAIL='me@shop.example'"); // without an end of line

  const made = await makeMissingSecrets(
    { ADMIN_EMAIL: "me@shop.example", PAYMENT_WEBHOOK_SECRET: "whsec_x" },
    path,
  );

  expect(Object.keys(made)).toEqual(["JWT_PRIVATE_KEY", "ADMIN_PASSWORD", "BACKUP_KEY"]);
  expect(readDevVars(path)).toEqual({ ADMIN_EMAIL: "me@shop.example", ...made });
  expect(checkSettings({ ENVIRONMENT: "development", ...readDevVars(path) }).kind).toBe("valid");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const before = readFileSync(path, "utf8");
  expect(await makeMissingSecrets({ ...readDevVars(path), PAYMENT_WEBHOOK_SECRET: "whsec_x" }, path)).toEqual(
    {},
  );
  expect(readFileSync(path, "utf8")).toBe(before);
});

const RIGHT = {
  ENVIRONMENT: "development",
  JWT_PRIVATE_KEY: "made by npm start",
  MAIL_FROM: "Shop <orders@shop.example>",
};
const PRODUCTION = { ...RIGHT, ENVIRONMENT: "production" };
const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const STRIPE = {
  PAYMENT_PROVIDER: "stripe",
  STRIPE_SECRET_KEY: "sk_1",
  STRIPE_WEBHOOK_SECRET: "whsec_a,whsec_b",
};

/** `SETTING what is wrong` for each fault. */
const faultsOf = (settings: Record<string, string>): string[] => {
  const checked = checkSettings(settings);
  return checked.kind === "valid"
    ? []
    : checked.faults.map(({ setting, message }) => `${setting} ${message}`);
};

test("a Worker that is not told where it runs is in production", () => {
  const { ENVIRONMENT: _, ...untold } = RIGHT;
  expect(faultsOf(untold)).toEqual(["PAYMENT_WEBHOOK_SECRET is missing"]);
  expect(checkSettings({ ...untold, PAYMENT_WEBHOOK_SECRET: SECRET })).toMatchObject({
    settings: { ENVIRONMENT: "production", FULFILMENT: "manual" },
  });
  expect(readFileSync("wrangler.toml", "utf8")).not.toContain("development");
});

test.each<[Record<string, string>, string[]]>([
  [RIGHT, []],
  [PRODUCTION, ["PAYMENT_WEBHOOK_SECRET is missing"]],
  [{ ...PRODUCTION, PAYMENT_WEBHOOK_SECRET: SECRET }, []],
  [{ ...PRODUCTION, PAYMENT_WEBHOOK_SECRET: `${SECRET}, ${SECRET}` }, []],
  [
    { ...RIGHT, PAYMENT_PROVIDER: "stripe" },
    ["STRIPE_SECRET_KEY is missing", "STRIPE_WEBHOOK_SECRET is missing"],
  ],
  [{ ...PRODUCTION, ...STRIPE }, []],
  [{ ...RIGHT, ...STRIPE, STRIPE_API_URL: "http://127.0.0.1:12111" }, []],
  [{ ...RIGHT, STRIPE_API_URL: "localhost" }, ["STRIPE_API_URL is not an http(s) URL"]],
  [{ ...RIGHT, STRIPE_API_URL: "file:///etc" }, ["STRIPE_API_URL is not an http(s) URL"]],
])("what a provider of payments needs: %j", (settings, faults) => {
  expect(faultsOf(settings)).toEqual(faults);
});

test.each([
  "secret",
  "whsec_",
  "whsec_x",
  `whsec_${"A".repeat(31)}`,
  `whsec_${"A".repeat(92)}`,
  `${SECRET},whsec_x`,
])("a webhook secret that nobody can sign with is named: %s", (secret) => {
  expect(faultsOf({ ...RIGHT, PAYMENT_WEBHOOK_SECRET: secret })).toEqual([
    "PAYMENT_WEBHOOK_SECRET must be whsec_ and 24 to 64 bytes in base64; several are comma-separated",
  ]);
});

test.each(["MAX_UNITS_PER_LINE", "MAX_UNPAID_UNITS", "APPROVAL_HOURS"])("%s is a number from 0", (name) => {
  for (const value of ["0", "7"]) expect(faultsOf({ ...RIGHT, [name]: value })).toEqual([]);
  for (const value of ["-1", "many", "NaN"]) expect(faultsOf({ ...RIGHT, [name]: value })).toHaveLength(1);
});

test("in production another server's keys come by https", () => {
  const settings = { AUTH_ISSUER: "https://id.example", AUTH_AUDIENCE: "api" };
  const faults = (url: string) =>
    faultsOf({ ...PRODUCTION, PAYMENT_WEBHOOK_SECRET: SECRET, ...settings, AUTH_JWKS_URL: url });
  expect(faults("https://id.example/jwks")).toEqual([]);
  expect(faults("http://id.example/jwks")).toEqual(["AUTH_JWKS_URL must be https in production"]);
});

test("the secret that npm start makes is one to sign with", async () => {
  const made = await makeMissingSecrets({}, join(directory, "dev.vars"));
  expect(faultsOf({ ...PRODUCTION, ...made })).toEqual([]);
});

test("what a deployment made is found by the next one, which cannot read it", async () => {
  const environment = { MAIL_FROM: RIGHT.MAIL_FROM };
  const first = await settingsToDeploy(environment, {}, []);
  expect(first.faults).toEqual([]);
  const again = await settingsToDeploy({}, first.vars, Object.keys(first.secrets));
  expect(again).toEqual({ vars: first.vars, secrets: {}, made: [], faults: [] });
});
