import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { defineCommand, runMain } from "citty";
import { refuseUnknown } from "./known-options.ts";
import { stateDirectory } from "./local-settings.ts";
import { runningOn } from "./running-on.ts";

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
  defineCommand({
    meta: {
      name: "npm run reset --",
      description: "Deletes this machine's data: the next start is the first",
    },
    args: options,
    run: async ({ args }) => {
      try {
        refuseUnknown(args, options);
        await reset(args.yes);
      } catch (error) {
        console.error(error instanceof Error ? error.message : String(error));
        process.exitCode = 1;
      }
    },
  }),
);
