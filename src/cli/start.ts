import { mkdirSync, openSync } from "node:fs";
import { defineCommand, runMain } from "citty";
import { checkSettings } from "../platform/settings.ts";
import { createApi, signIn } from "./api.ts";
import { banner, findBuyable, orderCommand } from "./banner.ts";
import { refuseUnknown } from "./command.ts";
import { tickCron } from "./cron.ts";
import { fillWithDemoData } from "./demo-data.ts";
import {
  devVarsPath,
  makeMissingSecrets,
  mergeSettings,
  readDevVars,
  stateDirectory,
  writeSettings,
} from "./local-settings.ts";
import { makeAdmin } from "./make-admin.ts";
import { killAllProcesses, stopAllProcesses, trackProcesses } from "./process-tree.ts";
import { claimPort, startWorker, type WorkerProcess, waitUntilReady } from "./worker-process.ts";
import { applyMigrations } from "./wrangler.ts";

const DEFAULT_PORT = "8787";

interface StartOptions {
  seed: boolean;
  verbose: boolean;
}

/** Starts the whole shop on this machine, also from a clean checkout. It runs until a signal comes. */
async function start({ seed, verbose }: StartOptions): Promise<void> {
  const port = await claimPort(Number(process.env.PORT || DEFAULT_PORT));
  if (port === null)
    return giveUp(`Port ${process.env.PORT || DEFAULT_PORT} is in use: set PORT to another.`);
  const stateDir = stateDirectory();
  mkdirSync(stateDir, { recursive: true });
  openSync(stateDir, "r"); // for as long as this runs: `npm run reset` looks for it
  const step = stepper(verbose);

  const settings = await step("settings", prepareSettings);
  await step("migrations", () => applyMigrations(stateDir));
  const admin = adminOf(settings);
  if (admin) await step("admin", () => makeAdmin(admin, { kind: "local", stateDir }));

  trackProcesses();
  const worker = startWorker({ port, stateDir, settings: writeSettings(settings, stateDir), verbose });
  void endWith(worker);
  const checked = checkSettings(settings);
  if (checked.kind === "misconfigured") {
    const faults = checked.faults.map(({ setting, message }) => `  ${setting}: ${message}`).join("\n");
    console.error(`Every request is answered 503 misconfigured until these settings are right:\n${faults}`);
    return;
  }
  await step("worker", () => waitUntilReady(worker.url));

  const api = createApi(worker.url, admin ? await signIn(worker.url, admin.email, admin.password) : null);
  if (admin && seed && settings.ENVIRONMENT !== "production") {
    await step("demo data", () => fillWithDemoData(api, settings.CURRENCY ?? "USD"));
  }
  const productId = await step("first order", () => findBuyable(api));
  tickCron(worker.url, console.error);
  console.log(
    banner({ url: worker.url, admin, orderCommand: productId && orderCommand(worker.url, productId) }),
  );
  console.log(`Ready on ${worker.url}`);
}

/** Reads the settings and makes the secrets that are missing. With `ENVIRONMENT=production` it makes none. */
async function prepareSettings() {
  const path = devVarsPath();
  const settings = mergeSettings(readDevVars(path), process.env);
  if (settings.ENVIRONMENT === "production") return settings;
  return { ...settings, ...(await makeMissingSecrets(settings, path)) };
}

function adminOf({ ADMIN_EMAIL: email, ADMIN_PASSWORD: password }: Record<string, string>) {
  return email && password ? { email, password, name: "Admin" } : null;
}

/** Runs steps; with `--verbose` it prints how long each took. */
function stepper(verbose: boolean) {
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const result = await work();
    if (verbose) console.error(`${name}: ${Math.round(performance.now() - began)} ms`);
    return result;
  };
}

let stopping = false;

/** If the Worker ends by itself, that is a failure: prints the end of its output and exits. */
async function endWith(worker: WorkerProcess): Promise<void> {
  const { code, output } = await worker.ended;
  if (!stopping) await giveUp(`${output}\n\nwrangler ended by itself (exit code ${code}).`);
}

async function stop(exitCode: number): Promise<void> {
  if (stopping) {
    // A second signal means that the user does not want to wait.
    killAllProcesses();
    process.exit(exitCode);
  }
  stopping = true;
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
if (process.env.npm_lifecycle_event === "start") {
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
  verbose: {
    type: "boolean",
    default: false,
    description: "Show all that wrangler says, and what took how long",
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
