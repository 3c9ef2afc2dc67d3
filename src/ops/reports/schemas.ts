import { z } from "@hono/zod-openapi";
import { orderStatusSchema } from "../../orders/schemas.ts";
import { calendarDate } from "../../platform/calendar-date.ts";
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
    orders: z.object({
      total: count,
      by_status: z.partialRecord(orderStatusSchema, count),
      per_hour: z.number().openapi({ description: "Over the hours of the day that were over" }),
    }),
    revenue: z
      .array(moneySchema)
      .openapi({ description: "Totals of the day's sold orders by currency, before refunds" }),
    units_sold: count,
    completion_rate: rate.openapi({ description: "Delivered, of all orders" }),
    error_rate: rate.openapi({ description: "Rejected for want of stock, of all orders" }),
    customers: count.openapi({ description: "Who bought, by e-mail address" }),
    repeat_customers: count.openapi({ description: "Of these, who had bought before" }),
    inventory: z.array(storeFiguresSchema).openapi({ description: "By store, as it was at `made_at`" }),
  })
  .openapi("DailyReport");
export type DailyReportWire = z.infer<typeof dailyReportSchema>;

export const dailyReportQuerySchema = z.object({
  date: calendarDate.optional().openapi({ description: "Today where left out", example: "2026-11-20" }),
});
