import { describeError, type Log } from "./log.ts";

/** Work that goes on after the answer. It may fail or be cut off: what must not be lost is owed in D1 besides. */
export const deferTo =
  (log: Log, waitUntil: (work: Promise<unknown>) => void) =>
  (work: Promise<unknown>): void =>
    waitUntil(work.catch((error) => log.warn("deferred work failed", { error: describeError(error) })));
