import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { runMain } from "citty";
import { commandOf } from "./command.ts";
import { stateDirectory } from "./local-settings.ts";
import { runningOn } from "./running-on.ts";

/** What `npm start` and wrangler create in a state directory. Other files there are not deleted. */
const OURS = ["v3", "worker", "registry", "settings.env", "tmp"];

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

/** The end of the input, as of a closed pipe, counts as no. */
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
