/**
 * Checks that package-lock.json says of every package by which hash it is known, and names no registry's host, so that
 * `npm ci` takes the same bytes everywhere. Prints each fault and exits 1 when there is one. `npm run lint` runs it.
 *
 * npm writes no hash for the optional packages of other platforms, since it downloads none of them. `npm run lock`
 * (`--mend`) asks the registry for theirs, which is the hash that npm compares with on such a platform.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

interface Entry {
  name?: string;
  version?: string;
  integrity?: string;
  resolved?: string;
  link?: true;
}

const FILE = "package-lock.json";
const lock: { packages: Record<string, Entry> } = JSON.parse(readFileSync(FILE, "utf8"));

/** The project itself and its workspaces are no downloads. */
const downloads = Object.entries(lock.packages).filter(
  ([path, { link }]) => path.includes("node_modules/") && !link,
);
const nameOf = (path: string, { name }: Entry): string => name ?? path.replace(/^.*node_modules\//, "");

async function mend(): Promise<void> {
  for (const [path, entry] of downloads.filter(([, { integrity }]) => integrity === undefined)) {
    const asked = ["view", `${nameOf(path, entry)}@${entry.version}`, "dist.integrity"];
    const { stdout } = await promisify(execFile)("npm", asked);
    const { version, ...rest } = entry;
    lock.packages[path] = { version, integrity: stdout.trim(), ...rest };
    console.log(`${path}: ${stdout.trim()}`);
  }
  writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
}

if (process.argv.includes("--mend")) await mend();

const faults = Object.entries(lock.packages).flatMap(([path, entry]) => [
  ...(lock.packages[path]?.resolved?.startsWith("http") ? [`${path} names a host: ${entry.resolved}`] : []),
  ...(downloads.some(([one]) => one === path) && !lock.packages[path]?.integrity?.startsWith("sha512-")
    ? [`${path} has no sha512: npm run lock asks the registry for it`]
    : []),
]);
for (const fault of faults) console.log(fault);
console.log(`${downloads.length} packages locked, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
