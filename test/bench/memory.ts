import { readFileSync } from "node:fs";
import { listProcesses } from "../../src/cli/process-tree.ts";

/** What a process of the system is called, and what it keeps in memory; null where the system does not say, or it has ended. */
function statusOf(pid: number): { name: string; rss: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8");
    const name = /^Name:\s*(.+)$/m.exec(text)?.[1] ?? "";
    return { name, rss: Number(/^VmRSS:\s*(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1_024 };
  } catch {
    return null;
  }
}

/** The workerd processes below this one, grandchildren included. */
function workerds(): number[] {
  const rows = listProcesses().filter((row) => !row.zombie);
  const below = [process.pid];
  for (const parent of below)
    below.push(...rows.filter((row) => row.parent === parent).map(({ pid }) => pid));
  return below.slice(1).filter((pid) => statusOf(pid)?.name === "workerd");
}

/** Clock ticks of a second, on every Linux that Node runs on. */
const TICKS = 100;

/** How long a process has been on a processor, milliseconds; 0 where the system does not say. */
function cpuOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS;
  } catch {
    return 0;
  }
}

/** What a started server's workerd takes of the machine; 0 where the system does not say. */
export interface Taken {
  /** RSS, megabytes. */
  memory(): number;
  /** Processor time since it began, milliseconds. */
  cpu(): number;
}

/** What starts, with what its workerd takes. */
export async function withMemory<T>(start: () => Promise<T>): Promise<T & Taken> {
  const before = new Set(workerds());
  const started = await start();
  const own = workerds().filter((pid) => !before.has(pid));
  return {
    ...started,
    memory: () => own.reduce((sum, pid) => sum + (statusOf(pid)?.rss ?? 0), 0),
    cpu: () => own.reduce((sum, pid) => sum + cpuOf(pid), 0),
  };
}
