import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createApi, signIn } from "../../src/cli/api.ts";
import { listProcesses } from "../../src/cli/process-tree.ts";
import { projectRoot } from "../../src/cli/wrangler.ts";

const START_LIMIT = 120_000;
const STOP_LIMIT = 15_000;

/** That of each server's admin. */
export const ADMIN_PASSWORD = "correct horse battery";

export interface ServerOptions {
  /** Settings, beside a state of its own, a port of its own and no limits. */
  env?: Record<string, string>;
  /** What stands after `npm start --`. */
  options?: string[];
  /** The state of a server before, to start again on. */
  stateDir?: string;
}

export interface Server {
  url: string;
  stateDir: string;
  /** All that it has printed. */
  output(): string;
  /** An admin's access token. */
  adminToken(): Promise<string>;
  /** SIGTERM, as a terminal's owner would; its exit code. Throws when a process of it is left. */
  stop(): Promise<number | null>;
  /** `kill -9` of the whole process group: nobody gets to say goodbye. */
  kill(): Promise<void>;
}

/** A directory for a server's state and secrets, gone again with `removeState`. */
export const freshState = (): string => mkdtempSync(join(tmpdir(), "holdfast-test-"));
export const removeState = (directory: string): void => rmSync(directory, { recursive: true, force: true });

/** What `npm start` is given: nothing of the developer's own settings or state. */
function environmentOf(stateDir: string, env: Record<string, string>): NodeJS.ProcessEnv {
  const { VITEST, NODE_ENV, ...outer } = process.env;
  return {
    ...outer,
    PORT: "0",
    STATE_DIR: stateDir,
    DEV_VARS: join(stateDir, "dev.vars"),
    ORDERS_PER_MINUTE: "0",
    REGISTRATIONS_PER_HOUR: "0",
    REQUESTS_PER_MINUTE: "0",
    SIGN_INS_PER_MINUTE: "0",
    ADMIN_EMAIL: "admin@shop.example",
    ADMIN_PASSWORD,
    ...env,
  };
}

/** Starts the real server by `npm start` and waits until it says that it is ready. */
export async function startServer({
  env = {},
  options = [],
  stateDir = freshState(),
}: ServerOptions = {}): Promise<Server> {
  const environment = environmentOf(stateDir, env);
  const child = spawn("npm", ["start", "--", ...options], {
    cwd: projectRoot,
    env: environment,
    detached: true, // a process group of its own, so that a test can kill all of it
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  // Its group is not this process's, so nobody else ends it when this process is interrupted.
  const orphan = () => process.kill(-groupOf(child), "SIGTERM");
  process.once("exit", orphan);
  child.once("close", () => process.removeListener("exit", orphan));
  const url = await readyUrl(child, () => output);
  return {
    url,
    stateDir,
    output: () => output,
    adminToken: () => signIn(url, environment.ADMIN_EMAIL ?? "", environment.ADMIN_PASSWORD ?? ""),
    stop: async () => {
      child.kill("SIGTERM");
      const code = await within(STOP_LIMIT, ended, () => `it did not stop:\n${output}`);
      const left = membersOf(groupOf(child));
      if (left.length > 0) {
        process.kill(-groupOf(child), "SIGKILL");
        throw new Error(`stopping left processes: ${left.join(", ")}`);
      }
      return code;
    },
    kill: async () => {
      process.kill(-groupOf(child), "SIGKILL");
      await within(STOP_LIMIT, ended, () => "kill -9 did not end it");
    },
  };
}

/** The server's API as its admin. */
export const adminApi = async (server: Server) => createApi(server.url, await server.adminToken());

async function readyUrl(child: ChildProcess, output: () => string): Promise<string> {
  const deadline = Date.now() + START_LIMIT;
  for (;;) {
    const ready = /^Ready on (http:\/\/127\.0\.0\.1:\d+)$/m.exec(output());
    if (ready?.[1]) return ready[1];
    if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}:\n${output()}`);
    if (Date.now() > deadline) {
      process.kill(-groupOf(child), "SIGKILL");
      throw new Error(`npm start was not ready in time:\n${output()}`);
    }
    await pause(50);
  }
}

function groupOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("npm could not be started");
  return child.pid;
}

/** Processes of a group that still run, by id. */
const membersOf = (group: number): number[] =>
  listProcesses()
    .filter((row) => row.group === group && !row.zombie)
    .map((row) => row.pid);

async function within<T>(milliseconds: number, promise: Promise<T>, complaint: () => string): Promise<T> {
  const late = pause(milliseconds, undefined, { ref: false }).then(() => {
    throw new Error(complaint());
  });
  return Promise.race([promise, late]);
}
