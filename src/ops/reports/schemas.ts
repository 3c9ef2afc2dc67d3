import { z } from "@hono/zod-openapi";
import { orderStatusSchema } from "../../orders/schemas.ts";
import { moneySchema } from "../../platform/money.ts";

const stamp = z.string().openapi({ format: "date-time" });
const count = z.int().min(0);
const rate = z.number().min(0).max(1).nullable();

const storeFiguresSchema = z.object({
  store_id: z.string(),
  store_name: z.string(),
  products: count,
  units: count.openapi({ description: "On hand, what is reserved included" }),
  available: count,
  low_stock: count.openapi({ description: "Products available at or below their threshold, and above 0" }),
  out_of_stock: count,
});

export const dailyReportSchema = z
  .object({
    date: z.string().openapi({ example: "2026-11-20" }),
    time_zone: z.string().openapi({ example: "Europe/Berlin" }),
    from: stamp.openapi({ description: "The day's first instant" }),
    to: stamp.openapi({ description: "The next day's" }),
    made_at: stamp.openapi({ description: "As things stood then" }),
    orders: z
      .object({
        total: count,
        by_status: z.partialRecord(orderStatusSchema, count),
        per_hour: z.number().openapi({ description: "Over the hours of the day that were over" }),
      })
      .openapi({ description: "Placed on the day, by how they stood at `made_at`" }),
    revenue: z.array(moneySchema).openapi({
      description:
        "By currency: totals of the orders that became sold on the day (confirmed: paid, or in no need of payment " +
        "first), whenever they were placed, less the totals of sold ones that were cancelled on it and the prices of " +
        "units that were closed on it. Below zero where more was taken off than sold. Refunds and returns are not " +
        "taken off. Each sale and each cancellation is in exactly one day.",
    }),
    refunded: z.array(moneySchema).openapi({
      description:
        "By currency: money promised back on the day, for whatever reason, less promises that failed on it",
    }),
    units_sold: z.int().openapi({ description: "Units of what `revenue` counts" }),
    turnover: z.number().nullable().openapi({
      description: "`units_sold` over the units on hand in all stores at `inventory_as_of`; null of none",
    }),
    completion_rate: rate.openapi({
      description: "Delivered or returned, of all orders placed on the day; null of none",
    }),
    error_rate: rate.openapi({
      description: "Rejected for want of stock, of all orders placed on the day; null of none",
    }),
    customers: count.openapi({ description: "Whose orders became sold on the day, by e-mail address" }),
    repeat_customers: count.openapi({
      description: "Of these, who had bought before, on an earlier day or on this one",
    }),
    inventory: z.array(storeFiguresSchema).nullable().openapi({
      description:
        "By store, as it was at `inventory_as_of`; null in a report made more than 24 hours after its day",
    }),
    inventory_as_of: stamp.nullable(),
  })
  .openapi("DailyReport");
export type DailyReportWire = z.infer<typeof dailyReportSchema>;

export const dailyReportQuerySchema = z.strictObject({
  date: z.iso.date().optional().openapi({ description: "Today where left out", example: "2026-11-20" }),
});
