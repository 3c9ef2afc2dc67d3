import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync, realpathSync } from "node:fs";

/**
 * The other processes that have a state directory open, or something in it: `npm start` does for as long as it runs. So
 * nothing is left behind that a crash could leave, as a lock file would be.
 */
export function runningOn(stateDir: string): number[] {
  const directory = realpathSync(stateDir);
  const found = existsSync("/proc/self/fd") ? fromProc(directory) : fromLsof(directory);
  return found.filter((pid) => pid !== process.pid);
}

const fromProc = (directory: string): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => openFilesOf(pid).some((path) => `${path}/`.startsWith(`${directory}/`)))
    .map(Number);

/** None of a process that has ended, or is another user's. */
function openFilesOf(pid: string): string[] {
  const numbers = readOr([], () => readdirSync(`/proc/${pid}/fd`));
  return numbers.map((number) => readOr("", () => readlinkSync(`/proc/${pid}/fd/${number}`)));
}

function readOr<T>(fallback: T, read: () => T): T {
  try {
    return read();
  } catch {
    return fallback;
  }
}

function fromLsof(directory: string): number[] {
  const { stdout } = spawnSync("lsof", ["-t", "+D", directory], { encoding: "utf8" });
  return (stdout ?? "").split("\n").filter(Boolean).map(Number);
}
