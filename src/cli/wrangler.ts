import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root: where wrangler.toml stands. */
export const projectRoot = fileURLToPath(new URL("../..", import.meta.url).href);

const wranglerScript = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);

/**
 * Starts wrangler, in our own process group so that killing the group kills all of it, and without a terminal: it
 * asks no questions and takes no keys.
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

/** Runs one wrangler command to its end, and returns what it printed. Throws with that text when it failed. */
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
    WRANGLER_HIDE_BANNER: "true", // and with it the search for updates
    WRANGLER_WRITE_LOGS: "false",
    // One registry for all of a machine would let two instances consume each other's queues.
    CLOUDFLARE_DEV_REGISTRY_PATH: join(stateDir, "registry"),
    // Settings reach the Worker by the file that we name, and by nothing else.
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "true",
    CLOUDFLARE_INCLUDE_PROCESS_ENV: "false",
  };
}

/** Brings the local database to the newest schema. Nothing happens when it is there already. */
export async function applyMigrations(stateDir: string): Promise<void> {
  await runWrangler(["d1", "migrations", "apply", "holdfast", "--local", "--persist-to", stateDir], stateDir);
}
