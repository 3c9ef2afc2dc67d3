import { z } from "@hono/zod-openapi";
import { dayOf } from "../day.ts";

/** A moment in a query: a stamp, or a date, which is a day in the shop's time zone. */
export const momentSchema = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })])
  .openapi({ type: "string", example: "2026-11-20" });

/** Milliseconds; both ends are included. */
export interface Range {
  from: number | undefined;
  to: number | undefined;
}

export type RangeOutcome = { kind: "range"; range: Range } | { kind: "reversed" };

/**
 * The range that a query asks for: a date is the whole of its day at either end.
 * @param timeZone IANA
 */
export function readRange(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  timeZone: string,
): RangeOutcome {
  const range = {
    from: from === undefined ? undefined : isDate(from) ? dayOf(from, timeZone).start : Date.parse(from),
    to: to === undefined ? undefined : isDate(to) ? dayOf(to, timeZone).end - 1 : Date.parse(to),
  };
  const isReversed = range.from !== undefined && range.to !== undefined && range.from > range.to;
  return isReversed ? { kind: "reversed" } : { kind: "range", range };
}

const isDate = (text: string): boolean => text.length === "2026-11-20".length;
