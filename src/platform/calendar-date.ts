import { z } from "@hono/zod-openapi";

/** The text of a day that the calendar has, YYYY-MM-DD. */
export const calendarDate = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, "must be YYYY-MM-DD")
  .refine(isDate, "is no day of the calendar");

function isDate(text: string): boolean {
  const stamp = Date.parse(text);
  return !Number.isNaN(stamp) && new Date(stamp).toISOString().startsWith(text);
}
