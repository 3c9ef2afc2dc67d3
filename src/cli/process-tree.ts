import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

export interface ProcessRow {
  pid: number;
  parent: number;
  /** The process group, by its leader's id. */
  group: number;
  /** Dead, but its parent has not read its exit code yet. */
  zombie: boolean;
}

/** All processes below this one, grandchildren included. */
function descendantsOf(root: number): number[] {
  const rows = listProcesses().filter((row) => !row.zombie);
  const found = [root];
  for (const parent of found) {
    found.push(...rows.filter((row) => row.parent === parent).map((row) => row.pid));
  }
  return found.slice(1);
}

/** Those of the processes that still run. Zombies do not count. */
function survivorsOf(pids: number[]): number[] {
  const alive = new Set(
    listProcesses()
      .filter((row) => !row.zombie)
      .map((row) => row.pid),
  );
  return pids.filter((pid) => alive.has(pid));
}

/** Sends a signal to processes, some of which may have ended already. */
function signal(pids: number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

/** All processes of this machine. It prefers /proc, because small container images have no `ps`. */
export function listProcesses(): ProcessRow[] {
  return existsSync("/proc/self/stat") ? fromProc() : fromPs();
}

function fromProc(): ProcessRow[] {
  return readStats().flatMap(({ pid, text }) => {
    // "pid (name) state parent group …": the name may contain spaces and brackets, so skip to the last bracket.
    const [state, parent, group] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const zombie = state === "Z" || state === "X";
    return group === undefined ? [] : [{ pid, parent: Number(parent), group: Number(group), zombie }];
  });
}

/** `/proc/<pid>/stat` of each process of this machine; empty for one that ended meanwhile. */
const readStats = (): { pid: number; text: string }[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return { pid: Number(pid), text: readFileSync(`/proc/${pid}/stat`, "utf8") };
      } catch {
        return { pid: Number(pid), text: "" };
      }
    });

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

/** How long processes may take to end after SIGTERM before they are killed. */
const SIGTERM_TIMEOUT_MS = 4_000;

const seen = new Set<number>();

/** Notes all descendants once a second: when wrangler is killed, its children cannot be found by their parent any more. */
export function trackProcesses(): void {
  setInterval(() => {
    for (const pid of descendantsOf(process.pid)) seen.add(pid);
  }, 1_000).unref();
}

/**
 * Our current descendants, and the earlier ones that still run. Of these the process group is compared too, because the
 * system may have given an id to another process.
 */
function ours(): number[] {
  const rows = listProcesses();
  const group = rows.find((row) => row.pid === process.pid)?.group;
  const orphans = rows.filter((row) => seen.has(row.pid) && row.group === group && !row.zombie);
  return [...new Set([...descendantsOf(process.pid), ...orphans.map((row) => row.pid)])];
}

/** Ends all descendants, by SIGTERM and then by SIGKILL. None is left when it returns. */
export async function stopAllProcesses(): Promise<void> {
  const pids = ours();
  signal(pids, "SIGTERM");
  const deadline = Date.now() + SIGTERM_TIMEOUT_MS;
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

/** Kills all descendants at once, for a moment when nothing can be awaited. */
export const killAllProcesses = (): void => signal(ours(), "SIGKILL");
