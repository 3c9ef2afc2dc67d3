import { setTimeout as pause } from "node:timers/promises";
import { descendantsOf, listProcesses, signal, survivorsOf } from "./process-tree.ts";

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
