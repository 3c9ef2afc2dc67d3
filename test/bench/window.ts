import { type Backlog, grew, type ReadBacklog } from "./backlog.ts";
import { type LoadOptions, load, type Measured } from "./load.ts";
import type { Operation } from "./operations.ts";

/** Something that answers requests, and how it is looked at. */
export interface Side {
  url: string;
  /** Left out where nothing is owed. */
  backlog?: ReadBacklog;
  /** Of its workerd, megabytes. */
  memory(): number;
}

/** One window of a measurement. */
export interface Window extends Measured {
  /** Megabytes, when it began and when it ended. */
  memory: [number, number];
  /** What was left to do when it began and when it ended. */
  backlog: [Backlog, Backlog] | null;
  /** The shop did not keep up with its own answers: the rate is not one that it can sell at. */
  grew: boolean;
}

export type How = Omit<LoadOptions, "expected">;

/** By then as much is left to do behind the answers as ever will be, where the shop keeps up. */
const WARM_UP_SECONDS = 5;

/**
 * Measures one operation for a while that begins in the middle of its load: the warm-up fills the queues, and no rest stands
 * between it and the window, in which they would be worked off.
 */
export async function sustain(side: Side, operation: Operation, how: How): Promise<Window> {
  const { next, refused, worth, objects } = operation;
  const options: LoadOptions = { ...how, expected: refused ? "4xx" : "2xx" };
  await load(side.url, next, { ...options, seconds: Math.min(WARM_UP_SECONDS, how.seconds) });
  const look = async () => ({ memory: side.memory(), backlog: (await side.backlog?.()) ?? null });
  const before = await look();
  const measured = await load(side.url, next, options);
  const after = await look();
  const backlog: Window["backlog"] = before.backlog && after.backlog ? [before.backlog, after.backlog] : null;
  return {
    ...measured,
    memory: [before.memory, after.memory],
    backlog,
    grew: backlog !== null && grew(...backlog, measured.rate * worth, objects.units),
  };
}

/** The window of the middle rate; failures and growth are of all. */
export function middle(windows: Window[]): Window {
  const one = windows.toSorted((a, b) => a.rate - b.rate)[Math.floor(windows.length / 2)];
  if (!one) throw new Error("nothing was measured");
  return {
    ...one,
    failures: windows.reduce((sum, { failures }) => sum + failures, 0),
    grew: windows.some((window) => window.grew),
  };
}

/** `650→980 MB` */
export const memoryText = ({ memory: [before, after] }: Window): string =>
  `${before.toFixed(0)}→${after.toFixed(0)} MB`;

/** `120→118 tasks, 300→310 units`; empty where nothing was owed or could be read. */
export function backlogText({ backlog }: Window): string {
  if (backlog === null) return "";
  const [before, after] = backlog;
  const parts = (["tasks", "units"] as const).flatMap((what) =>
    before[what] === null ? [] : [`${before[what]}→${after[what]} ${what}`],
  );
  return parts.join(", ");
}

/** Says why a figure does not count, where it does not, and has the process exit 1. */
export function complain(windows: Window[]): void {
  const failures = windows.reduce((sum, { failures: more }) => sum + more, 0);
  if (failures > 0) console.log(`  ${failures} answers were not as expected: the figures above do not count`);
  const grown = windows.filter((window) => window.grew);
  if (grown.length > 0) {
    const left = [...new Set(grown.map(backlogText))].join("; ");
    console.log(`  what is left to do grew (${left}): it cannot sell at this rate`);
  }
  if (failures > 0 || grown.length > 0) process.exitCode = 1;
}
