import {
  configureSync,
  getConfig,
  getConsoleSink,
  getJsonLinesFormatter,
  getLogger,
  type Logger,
} from "@logtape/logtape";
import { withoutQuery } from "./d1.ts";

export type Log = Logger;

/** One JSON object a line on standard output, whatever part of Holdfast speaks. */
export function createLog(properties: Record<string, unknown> = {}): Log {
  if (!getConfig()) {
    configureSync({
      sinks: { console: getConsoleSink({ formatter: getJsonLinesFormatter({ properties: "flatten" }) }) },
      loggers: [
        { category: "holdfast", sinks: ["console"], lowestLevel: "info" },
        { category: ["logtape", "meta"], sinks: ["console"], lowestLevel: "warning" },
      ],
    });
  }
  return getLogger("holdfast").with(properties);
}

/** What is safe and useful to say of a thing that was thrown. */
export function describeError(error: unknown): string {
  const thrown = withoutQuery(error);
  return thrown instanceof Error ? (thrown.stack ?? `${thrown.name}: ${thrown.message}`) : String(thrown);
}

/** Work that goes on after the answer. It may fail or be cut off: what must not be lost is owed in D1 besides. */
export const deferTo =
  (log: Log, waitUntil: (work: Promise<unknown>) => void) =>
  (work: Promise<unknown>): void =>
    waitUntil(work.catch((error) => log.warn("deferred work failed", { error: describeError(error) })));
