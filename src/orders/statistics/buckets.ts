/** Every time zone's midnight is on a quarter of an hour. */
export const QUARTER_MS = 900_000;
export const DAY_MS = 86_400_000;

/** Buckets of one size, from the first's start up to a bucket's that is not among them; milliseconds. */
export interface Part {
  span: "quarter" | "day";
  from: number;
  to: number;
  /** Only as far as the days are added up, or only from there on; all of it where left out. */
  only?: "added_up" | "since";
}

export const quarterBefore = (stamp: number): number => Math.floor(stamp / QUARTER_MS) * QUARTER_MS;
export const quarterAfter = (stamp: number): number => Math.ceil(stamp / QUARTER_MS) * QUARTER_MS;

/**
 * A range in as few buckets as it takes: whole UTC days, as far as they are added up, and the quarters before and after
 * them. That is fewer than 192 quarters, and those of the days that are not added up yet: today, and for a minute after
 * midnight the day before.
 */
export function partsOf(from: number, to: number): Part[] {
  const firstDay = Math.ceil(from / DAY_MS) * DAY_MS;
  const afterDays = Math.floor(to / DAY_MS) * DAY_MS;
  const parts: Part[] =
    firstDay < afterDays
      ? [
          { span: "quarter", from, to: firstDay },
          { span: "day", from: firstDay, to: afterDays, only: "added_up" },
          { span: "quarter", from: firstDay, to: afterDays, only: "since" },
          { span: "quarter", from: afterDays, to },
        ]
      : [{ span: "quarter", from, to }];
  return parts.filter((part) => part.from < part.to);
}
