import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { runMain } from "citty";
import { readEmail } from "../platform/text/email.ts";
import {
  findDatabase,
  findNamespace,
  findQueue,
  listSecrets,
  type Wrangler,
  wranglerOf,
} from "./cloudflare.ts";
import { commandOf } from "./command.ts";
import {
  baseConfig,
  composeConfig,
  configPath,
  DEFAULT_SHOP,
  type DeployConfig,
  keptConfig,
  queueName,
  queuesOf,
  writeConfig,
} from "./deploy-config.ts";
import { type DeploySettings, settingsToDeploy } from "./deploy-settings.ts";
import { makeRemoteAdmin } from "./make-admin.ts";
import { smokeTest } from "./smoke-test.ts";
import { projectRoot } from "./wrangler.ts";

interface Options {
  name: string;
  location: string | undefined;
  email: string | undefined;
  url: string | undefined;
  "dry-run": boolean;
}

/**
 * Takes an account to a running shop, and a running shop to this version. Each step finds what an earlier run made, so a run
 * that broke anywhere is run again. The database is migrated before the Worker is replaced: a migration must leave the
 * version before it at work (docs/DEPLOY.md).
 */
async function deploy(options: Options): Promise<void> {
  const { name, email } = options;
  if (!/^[a-z0-9](?:[a-z0-9-]{0,52}[a-z0-9])?$/.test(name)) {
    throw new Error("--name must be 1 to 54 of a-z, 0-9 and dashes between.");
  }
  if (email !== undefined && readEmail(email).kind === "invalid")
    throw new Error("--email is no e-mail address.");
  const directory = mkdtempSync(join(tmpdir(), "holdfast-deploy-"));
  const wrangler = wranglerOf(directory);
  try {
    const path = configPath(name);
    const kept = keptConfig(path);
    const dry = options["dry-run"];
    const settings = await settingsToDeploy(
      process.env,
      kept.vars ?? {},
      dry ? [] : await listSecrets(wrangler, name),
    );
    if (dry) return await printPlan(wrangler, directory, options, kept, settings);
    refuseFaults(settings);

    const database = await findDatabase(wrangler, name, options.location);
    say(`database ${name}`, database.was);
    const namespace = await findNamespace(wrangler, `${name}-cache`);
    say(`KV namespace ${name}-cache`, namespace.was);
    for (const queue of queuesOf(baseConfig())) {
      say(`queue ${queueName(name, queue)}`, await findQueue(wrangler, queueName(name, queue)));
    }
    const ids = { databaseId: database.id, namespaceId: namespace.id };
    writeConfig(path, composeConfig(name, kept, settings.vars, ids));
    say(relative(projectRoot, path), "written: keep it with your shop");

    await wrangler("d1", "migrations", "apply", "DB", "--remote", "--config", path);
    say("migrations", "applied");
    tellMade(settings);
    const url = await upload(wrangler, directory, path, settings);
    say("Worker", "deployed");
    await makeFirstAdmin(wrangler, path, email);
    const at = options.url ?? url;
    if (at === null) say("smoke test", "left out: no address is known, give --url");
    else for (const line of await smokeTest(at.replace(/\/+$/, ""))) say("smoke test", line);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const say = (what: string, became: string) => console.log(`${what}: ${became}`);

function refuseFaults({ faults }: DeploySettings): void {
  if (faults.length === 0) return;
  throw new Error(["Nothing was done, since settings are missing or wrong:", ...faults].join("\n  "));
}

/** Before they are uploaded: a run that breaks afterwards finds them there, and nobody could read them. */
function tellMade({ made, secrets }: DeploySettings): void {
  for (const { name, told } of made) {
    say(name, told ? `made, and shown this once: ${secrets[name]}` : "made");
  }
}

/** Uploads the Worker and its secrets as one version. @returns where it is reached; null where wrangler does not say */
async function upload(
  wrangler: Wrangler,
  directory: string,
  config: string,
  { secrets }: DeploySettings,
): Promise<string | null> {
  const file = join(directory, "secrets.json");
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  const told = join(directory, "told.ndjson");
  process.env.WRANGLER_OUTPUT_FILE_PATH = told;
  await wrangler("deploy", "--config", config, "--secrets-file", file);
  const lines = readFileSync(told, "utf8").trim().split("\n");
  const targets = lines.flatMap((line): string[] => JSON.parse(line).targets ?? []);
  const [first] = targets
    .map((target) => target.split(" ")[0] ?? "")
    .filter((target) => target.includes("."));
  return first === undefined ? null : first.startsWith("http") ? first : `https://${first}`;
}

async function makeFirstAdmin(wrangler: Wrangler, config: string, email: string | undefined): Promise<void> {
  const asked = "SELECT count(*) AS admins FROM users WHERE role = 'admin' AND disabled_at IS NULL";
  const answer = await wrangler(
    "d1",
    "execute",
    "DB",
    "--config",
    config,
    "--remote",
    "--json",
    "--command",
    asked,
  );
  const [{ results: [counted] = [] } = {}]: { results?: { admins: number }[] }[] = JSON.parse(answer);
  if ((counted?.admins ?? 0) > 0) return say("admin", "found");
  if (email === undefined)
    return say("admin", "none: npm run admin -- create --remote --email you@your.shop");
  const password = randomBytes(18).toString("base64url");
  await makeRemoteAdmin({ email: email.trim().toLowerCase(), name: "Admin", password }, config);
  say("admin", `${email} made, with a password that is shown this once: ${password}`);
}

/** What would be done. It asks the account nothing, so that it runs without one. */
async function printPlan(
  wrangler: Wrangler,
  directory: string,
  { name, email, location }: Options,
  kept: Partial<DeployConfig>,
  { vars, secrets, made, faults }: DeploySettings,
): Promise<void> {
  const base = baseConfig();
  const zero = {
    databaseId: base.d1_databases[0]?.database_id ?? "",
    namespaceId: base.kv_namespaces[0]?.id ?? "",
  };
  const makes = new Set(made.map((one) => one.name));
  say("database", `${name}${location === undefined ? "" : ` in ${location}`}, if it is not there`);
  say("KV namespace", `${name}-cache, if it is not there`);
  say(
    "queues",
    `${queuesOf(base)
      .map((queue) => queueName(name, queue))
      .join(", ")}, if they are not there`,
  );
  say("migrations", "those that the database does not have");
  say(
    "settings",
    Object.keys({ ...vars, ENVIRONMENT: "production" })
      .sort()
      .join(", "),
  );
  say(
    "secrets given",
    Object.keys(secrets)
      .filter((one) => !makes.has(one))
      .sort()
      .join(", ") || "none",
  );
  say("secrets made, unless the Worker has them", [...makes].sort().join(", ") || "none");
  say("admin", email === undefined ? "none: give --email for a first one" : `${email}, if there is none`);
  // In the place where it would stand, since its paths begin there.
  const trial = configPath(`.${name}-dry-run`);
  writeConfig(trial, { ...composeConfig(name, kept, vars, zero) });
  try {
    await wrangler("deploy", "--dry-run", "--outdir", join(directory, "worker"), "--config", trial);
  } finally {
    rmSync(trial, { force: true });
  }
  say("Worker", "builds");
  for (const fault of faults) say("missing or wrong", fault);
  if (faults.length > 0) process.exitCode = 1;
}

const options = {
  name: { type: "string", default: DEFAULT_SHOP, description: "Of the Worker and its database" },
  location: { type: "string", description: "Where a new database is made: weur, eeur, apac, oc, wnam, enam" },
  email: { type: "string", description: "Of the first admin, who is made where there is none" },
  url: { type: "string", description: "Where the smoke test asks, instead of what wrangler names" },
  "dry-run": { type: "boolean", default: false, description: "Print the plan and build, and change nothing" },
} as const;

await runMain(
  commandOf(
    "npm run deploy --",
    "Takes a Cloudflare account to a running shop, and a running shop to this version",
    options,
    (args) => deploy({ ...args, location: args.location, email: args.email, url: args.url }),
  ),
);
