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

/** What starts, and how much its workerd has in memory (RSS), megabytes; 0 where the system does not say. */
export async function withMemory<T>(start: () => Promise<T>): Promise<T & { memory: () => number }> {
  const before = new Set(workerds());
  const started = await start();
  const own = workerds().filter((pid) => !before.has(pid));
  return { ...started, memory: () => own.reduce((sum, pid) => sum + (statusOf(pid)?.rss ?? 0), 0) };
}
