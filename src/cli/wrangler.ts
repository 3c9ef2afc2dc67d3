import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root, which has wrangler.toml. */
export const projectRoot = fileURLToPath(new URL("../..", import.meta.url).href);

const wranglerScript = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);

/**
 * Starts wrangler in our own process group, so that killing the group ends it too, and without a terminal, so that it asks
 * no questions and reads no keys.
 */
export function launchWrangler(args: string[], stateDir: string): ChildProcess {
  return spawn(process.execPath, [wranglerScript, ...args], {
    cwd: projectRoot,
    env: wranglerEnvironment(stateDir),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export class WranglerFailed extends Error {
  override name = "WranglerFailed";
}

/** Runs a wrangler command and returns its standard output. If it fails, throws with all its output. */
export async function runWrangler(args: string[], stateDir: string): Promise<string> {
  const child = launchWrangler(args, stateDir);
  let stdout = "";
  let all = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk;
    all += chunk;
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    all += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new WranglerFailed(`wrangler ${args.slice(0, 3).join(" ")} failed:\n${all.trim()}`);
  return stdout;
}

function wranglerEnvironment(stateDir: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    CI: "true",
    FORCE_COLOR: "0",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true", // this also turns off the check for updates
    WRANGLER_WRITE_LOGS: "false",
    // It would answer any SQL that anybody on this machine sends to the API's port, and show what is stored.
    X_LOCAL_EXPLORER: "false",
    // With the default registry, which is one for the whole machine, two shops would consume each other's queues.
    CLOUDFLARE_DEV_REGISTRY_PATH: join(stateDir, "registry"),
    // The Worker gets only the settings of the file that we name.
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "true",
    CLOUDFLARE_INCLUDE_PROCESS_ENV: "false",
  };
}

/** Builds the Worker as a deploy would. @returns the directory that holds its script */
export async function buildWorker(stateDir: string): Promise<string> {
  const directory = join(stateDir, "worker");
  await runWrangler(["deploy", "--dry-run", "--outdir", directory], stateDir);
  return directory;
}
