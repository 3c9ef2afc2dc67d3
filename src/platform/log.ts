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

/** Logs one JSON object a line on standard output. */
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

/** The text to log for something that was thrown: its stack, without the parameters of a query. */
export function describeError(error: unknown): string {
  const thrown = withoutQuery(error);
  return thrown instanceof Error ? (thrown.stack ?? `${thrown.name}: ${thrown.message}`) : String(thrown);
}

/** Makes `Context.defer`, which logs what fails. */
export const deferTo =
  (log: Log, waitUntil: (work: Promise<unknown>) => void) =>
  (work: Promise<unknown>): void =>
    waitUntil(work.catch((error) => log.warn("deferred work failed", { error: describeError(error) })));
