import { mkdirSync, openSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { defineCommand, runMain } from "citty";
import type { Miniflare } from "miniflare";
import { checkSettings } from "../platform/settings.ts";
import { createApi, signIn } from "./api.ts";
import { banner, findBuyable, orderCommand } from "./banner.ts";
import { refuseUnknown } from "./command.ts";
import { tickCron } from "./cron.ts";
import { fillWithDemoData } from "./demo-data.ts";
import {
  devVarsPath,
  makeMissingSecrets,
  readLocalSettings,
  type SettingsText,
  stateDirectory,
  writeSettings,
} from "./local-settings.ts";
import { makeAdmin, type NewAdmin } from "./make-admin.ts";
import { killAllProcesses, stopAllProcesses, trackProcesses } from "./process-tree.ts";
import { runningOn } from "./running-on.ts";
import { claimPort, runWranglerDev, waitUntilReady } from "./worker-process.ts";
import { buildWorker } from "./wrangler.ts";

const DEFAULT_PORT = "8787";

interface StartOptions {
  seed: boolean;
  watch: boolean;
  verbose: boolean;
}

/** Starts the whole shop on this machine, also from a clean checkout. It runs until a signal comes. */
async function start({ seed, watch, verbose }: StartOptions): Promise<void> {
  const port = await claimPort(Number(process.env.PORT || DEFAULT_PORT));
  if (port === null)
    return giveUp(`Port ${process.env.PORT || DEFAULT_PORT} is in use: set PORT to another.`);
  const stateDir = stateDirectory();
  mkdirSync(stateDir, { recursive: true });
  openSync(stateDir, "r"); // for as long as this runs: `npm run reset` and another start look for it
  const others = await stillRunningOn(stateDir);
  if (others.length > 0) {
    return giveUp(
      `A server runs on ${stateDir} (process ${others.join(", ")}): stop it, or set STATE_DIR to another directory.`,
    );
  }
  const step = stepper(verbose);

  const given = readLocalSettings();
  if (given.ENVIRONMENT !== "development") return giveUp(NOT_LOCAL);
  const { settings, made } = await step("Reading the settings", () => prepareSettings(given, port));
  const admin = adminOf(settings);
  trackProcesses();
  const launch = { port, stateDir, settings, verbose, greeted: () => greeted };
  const database = () => step("Migrating the database", () => prepareDatabase(stateDir, admin));
  if (watch) {
    await database();
    void watchSources(launch);
  } else {
    // Each takes seconds of one core.
    const [directory] = await Promise.all([
      step("Building the Worker", () => buildWorker(stateDir)),
      database(),
    ]);
    await step("Starting workerd", () => serve(directory, launch));
  }
  const url = `http://127.0.0.1:${port}`;
  const checked = checkSettings(settings);
  if (checked.kind === "misconfigured") {
    const faults = checked.faults.map(({ setting, message }) => `  ${setting}: ${message}`).join("\n");
    console.error(`Every request is answered 503 misconfigured until these settings are right:\n${faults}`);
    return;
  }
  await step("Waiting for the Worker", () => waitUntilReady(url));

  const api = createApi(url, admin ? await signIn(url, admin.email, admin.password) : null);
  if (admin && seed) {
    await step("Filling the catalogue with demo data", () =>
      fillWithDemoData(api, settings.CURRENCY ?? "USD"),
    );
  }
  const productId = await step("Looking for what can be ordered", () => findBuyable(api));
  tickCron(url, (message) => stopping || console.error(message));
  const password = passwordHint(made);
  console.log(
    banner({
      url,
      admin: admin && { ...admin, password },
      orderCommand: productId && orderCommand(url, productId),
    }),
  );
  greeted = true;
  console.log(`Ready on ${url}`);
}

const NOT_LOCAL =
  "npm start runs a shop for development, with its secrets, mails and data on this machine: it does not run with ENVIRONMENT=production. " +
  "README.md tells how to deploy; npm run check says what a deployment lacks.";

/** Makes the secrets that are missing. */
async function prepareSettings(
  given: SettingsText,
  port: number,
): Promise<{ settings: SettingsText; made: SettingsText }> {
  const made = await makeMissingSecrets(given, devVarsPath());
  // On this machine the links of mails open the API's own page.
  const page = `http://127.0.0.1:${port}/api/v1/orders/{order_id}/page?token={token}`;
  const links: SettingsText = given.ORDER_URL || given.SHOP_URL ? {} : { ORDER_URL: page };
  return { settings: { ...given, ...made, ...links }, made };
}

/** What a server that was just killed had started ends within moments, and is no reason to refuse. */
async function stillRunningOn(stateDir: string): Promise<number[]> {
  for (let looks = 0; looks < 12; looks++) {
    if (runningOn(stateDir).length === 0) return [];
    await pause(250);
  }
  return runningOn(stateDir);
}

/** Only a password that was made just now is shown: nobody knows it yet. */
function passwordHint(made: SettingsText): string {
  if (made.ADMIN_PASSWORD) return `password ${made.ADMIN_PASSWORD}`;
  return process.env.ADMIN_PASSWORD ? "password as in ADMIN_PASSWORD" : `password in ${devVarsPath()}`;
}

/** Migrates this machine's database and makes the admin, before anybody is served. */
async function prepareDatabase(stateDir: string, admin: NewAdmin | null): Promise<void> {
  // Loaded late, since it loads wrangler: a port that is taken, or a wrong option, is told a second earlier.
  const { applyMigrations, withLocalDatabase } = await import("./local-database.ts");
  await withLocalDatabase(stateDir, async (db) => {
    await applyMigrations(db);
    if (admin) await makeAdmin(admin, db);
  });
}

interface Launch {
  port: number;
  stateDir: string;
  settings: SettingsText;
  verbose: boolean;
  greeted: () => boolean;
}

/** Until then the Worker's log shows only what is wrong. */
let greeted = false;

/** What serves, unless `wrangler dev` does. */
let served: Miniflare | undefined;

async function serve(directory: string, launch: Launch): Promise<void> {
  const { serveWorker } = await import("./local-worker.ts");
  served = await serveWorker({ ...launch, directory });
}

/** `wrangler dev` ends by itself only when something is wrong: then all ends, with what it printed last. */
async function watchSources({ settings, ...launch }: Launch): Promise<void> {
  const { code, output } = await runWranglerDev({
    ...launch,
    settings: writeSettings(settings, launch.stateDir),
  });
  if (!stopping) await giveUp(`${output}\n\nwrangler ended by itself (exit code ${code}).`);
}

function adminOf({ ADMIN_EMAIL: email, ADMIN_PASSWORD: password }: Record<string, string>) {
  return email && password ? { email, password, name: "Admin" } : null;
}

/** Runs steps, and says which it is at, since a first start may take a minute; with `--verbose` also how long each took. */
function stepper(verbose: boolean) {
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    console.error(`${name} …`);
    const result = await work();
    if (verbose) console.error(`${name}: ${Math.round(performance.now() - began)} ms`);
    return result;
  };
}

let stopping = false;

async function stop(exitCode: number): Promise<void> {
  if (stopping) {
    // A second signal means that the user does not want to wait.
    killAllProcesses();
    process.exit(exitCode);
  }
  stopping = true;
  await served?.dispose();
  await stopAllProcesses();
  process.exit(exitCode);
}

async function giveUp(message: string): Promise<void> {
  if (stopping) return;
  console.error(message);
  await stop(1);
}

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => void stop(0));

// npm passes signals on, but may be killed itself. Then this process has a new parent, and stops too.
const parent = process.ppid;
if (["start", "dev"].includes(process.env.npm_lifecycle_event ?? "")) {
  setInterval(() => {
    if (process.ppid !== parent && !stopping) void stop(0);
  }, 500).unref();
}

const options = {
  seed: {
    type: "boolean",
    default: true,
    description: "Fill an empty catalogue with demo data",
    negativeDescription: "Leave an empty catalogue empty",
  },
  watch: {
    type: "boolean",
    default: false,
    description: "Run it by `wrangler dev`, which loads changed code at once, and is slow",
  },
  verbose: {
    type: "boolean",
    default: false,
    description: "Show what wrangler and Miniflare say, and what took how long",
  },
} as const;

const command = defineCommand({
  meta: { name: "npm start --", description: "Runs Holdfast on this machine, until Ctrl-C" },
  args: options,
  run: async ({ args }) => {
    try {
      refuseUnknown(args, options);
      await start(args);
    } catch (error) {
      await giveUp(error instanceof Error ? error.message : String(error));
    }
  },
});

await runMain(command);
