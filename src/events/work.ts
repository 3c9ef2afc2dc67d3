import type { Context } from "../platform/context.ts";
import type { TaskName } from "./append.ts";

/** A task as its handler sees it. */
export interface Task {
  /** Outside effects carry it as their idempotency key or Message-ID. */
  id: string;
  objectId: string;
  payload: Record<string, unknown>;
  attempt: number;
}

export type TaskOutcome =
  | { kind: "done" }
  /** Tried again later, with exponential backoff and jitter, until the attempts run out. */
  | { kind: "failed"; error: string };

export type TaskHandlers = Record<TaskName, (context: Context, task: Task) => Promise<TaskOutcome>>;

/** Takes rows by lease, does the work, marks them. What a queue message or the sweep names, whatever came of it before. */
export async function workOff(_context: Context, _handlers: TaskHandlers, _ids: string[]): Promise<void> {}

/** Rings for rows by their ids: a message each to the queue of their task. May be lost; the sweep rings again. */
export async function ring(_context: Context, _work: { id: string; task: TaskName }[]): Promise<void> {}

/** Rings for all that is due and not under way. Each minute. Returns how many. */
export async function ringOwed(_context: Context): Promise<number> {
  return 0;
}
