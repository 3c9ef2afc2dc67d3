import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

export interface ProcessRow {
  pid: number;
  parent: number;
  /** The process group, by its leader's id. */
  group: number;
  /** Dead, and waiting for its parent to notice. */
  zombie: boolean;
}

/** Every process under this one, grandchildren included, however their parents came to start them. */
function descendantsOf(root: number): number[] {
  const rows = listProcesses().filter((row) => !row.zombie);
  const found = [root];
  for (const parent of found) {
    found.push(...rows.filter((row) => row.parent === parent).map((row) => row.pid));
  }
  return found.slice(1);
}

/** Which of these still run. A zombie does not. */
function survivorsOf(pids: number[]): number[] {
  const alive = new Set(
    listProcesses()
      .filter((row) => !row.zombie)
      .map((row) => row.pid),
  );
  return pids.filter((pid) => alive.has(pid));
}

/** Sends a signal to processes, of which some may be gone by now. */
function signal(pids: number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

/** Every process of this machine; from /proc where there is one: small images come without `ps`. */
export function listProcesses(): ProcessRow[] {
  return existsSync("/proc/self/stat") ? fromProc() : fromPs();
}

function fromProc(): ProcessRow[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = statOf(name);
      // "pid (name) state parent group …": the name may hold spaces and brackets, so read on from the last one.
      const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const zombie = state === "Z" || state === "X";
      return group === undefined
        ? []
        : [{ pid: Number(name), parent: Number(parent), group: Number(group), zombie }];
    });
}

function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return ""; // it ended while we were looking
  }
}

function fromPs(): ProcessRow[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,state="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns.length >= 4)
    .map(([pid, parent, group, state]) => ({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      zombie: state?.startsWith("Z") ?? false,
    }));
}

/** How long wrangler may take to stop its own children before they are killed; milliseconds. */
const PATIENCE = 4_000;

const seen = new Set<number>();

/** Looks now and then who was started: when wrangler is killed, its children have no parent to find them by. */
export function rememberProcesses(): void {
  setInterval(() => {
    for (const pid of descendantsOf(process.pid)) seen.add(pid);
  }, 1_000).unref();
}

/** Those of now, and those of before that still run in our process group: an id alone may be another's by now. */
function ours(): number[] {
  const rows = listProcesses();
  const group = rows.find((row) => row.pid === process.pid)?.group;
  const orphans = rows.filter((row) => seen.has(row.pid) && row.group === group && !row.zombie);
  return [...new Set([...descendantsOf(process.pid), ...orphans.map((row) => row.pid)])];
}

/** Ends every process that this one started, and theirs: asks first, then kills. None is left when it returns. */
export async function stopAllProcesses(): Promise<void> {
  const pids = ours();
  signal(pids, "SIGTERM");
  const deadline = Date.now() + PATIENCE;
  let left = survivorsOf(pids);
  while (left.length > 0 && Date.now() < deadline) {
    await pause(50);
    left = survivorsOf(pids);
  }
  while (left.length > 0) {
    signal(left, "SIGKILL");
    await pause(20);
    left = survivorsOf(left);
  }
}

/** For the last moment, when nothing can be awaited any more. */
export const killAllProcesses = (): void => signal(ours(), "SIGKILL");
