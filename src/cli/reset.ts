import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { runMain } from "citty";
import { commandOf } from "./command.ts";
import { stateDirectory } from "./local-settings.ts";

/** Processes that work on a state directory: they name it in their arguments, as `npm start` tells wrangler to. */
function runningOn(stateDir: string): number[] {
  return existsSync("/proc/self/cmdline") ? fromProc(stateDir) : fromPs(stateDir);
}

function fromProc(stateDir: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = argumentsOf(pid);
      return words.some((word, index) => word === "--persist-to" && words[index + 1] === stateDir);
    })
    .map(Number);
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // it ended while we were looking
  }
}

function fromPs(stateDir: string): number[] {
  return execFileSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(`--persist-to ${stateDir} `) || line.endsWith(`--persist-to ${stateDir}`))
    .map((line) => Number.parseInt(line, 10));
}

/** What `npm start` and wrangler put into a state directory. Nothing else in it is ours to delete. */
const OURS = ["v3", "registry", "settings.env", "tmp"];

async function reset(yes: boolean): Promise<void> {
  const stateDir = stateDirectory();
  const found = existsSync(stateDir) ? readdirSync(stateDir).filter((name) => OURS.includes(name)) : [];
  if (found.length === 0) {
    console.log(`There is no local data in ${stateDir}.`);
    return;
  }
  refuseWhileRunning(stateDir);
  if (!yes && !(await agreed(`Delete every order, product and user in ${stateDir}? Type yes: `))) {
    throw new Error("Nothing was deleted.");
  }
  refuseWhileRunning(stateDir);
  for (const name of found) rmSync(join(stateDir, name), { recursive: true, force: true });
  if (readdirSync(stateDir).length === 0) rmdirSync(stateDir);
  console.log(`Deleted the local data in ${stateDir}.`);
}

function refuseWhileRunning(stateDir: string): void {
  const pids = runningOn(stateDir);
  if (pids.length > 0) throw new Error(`A server runs on ${stateDir} (${pids.join(", ")}): stop it first.`);
}

/** An end of input, as of a pipe, is no yes. */
async function agreed(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    return (await Promise.race([lines.question(question), ended])).trim().toLowerCase() === "yes";
  } finally {
    lines.close();
  }
}

const options = {
  yes: { type: "boolean", default: false, description: "Do not ask" },
} as const;

await runMain(
  commandOf("npm run reset --", "Deletes this machine's data: the next start is the first", options, (args) =>
    reset(args.yes),
  ),
);
