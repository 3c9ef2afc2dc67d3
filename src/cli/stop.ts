import { setTimeout as pause } from "node:timers/promises";
import { descendantsOf, signal, survivorsOf } from "./process-tree.ts";

/** How long wrangler may take to stop its own children before they are killed; milliseconds. */
const PATIENCE = 4_000;

/** Ends every process that this one started, and theirs: asks first, then kills. None is left when it returns. */
export async function stopAllProcesses(): Promise<void> {
  const pids = descendantsOf(process.pid);
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
export const killAllProcesses = (): void => signal(descendantsOf(process.pid), "SIGKILL");
