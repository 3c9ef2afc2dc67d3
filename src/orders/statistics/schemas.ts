import { z } from "@hono/zod-openapi";
import { momentSchema } from "../../platform/http/range.ts";
import { moneySchema } from "../../platform/money.ts";
import { ORDER_STATUSES, type OrderStatus } from "../lifecycle.ts";

const stamp = z.string().openapi({ format: "date-time" });
const count = z.int().min(0);
const rate = z.number().min(0).max(1).nullable();

export const statisticsQuerySchema = z.strictObject({
  from: momentSchema.optional().openapi({
    description:
      "A stamp, or a date in the shop's time zone. Cut back to the quarter of an hour; left out, since ever",
  }),
  to: momentSchema.optional().openapi({
    description:
      "Up to, not including; of a date the whole day; rounded up to the quarter of an hour; left out, until now",
  }),
});

const perStatus = Object.fromEntries(ORDER_STATUSES.map((status) => [status, count])) as Record<
  OrderStatus,
  typeof count
>;

export const statisticsSchema = z
  .object({
    from: stamp.nullable().openapi({ description: "The range as it was cut; null: since ever" }),
    to: stamp.openapi({ description: "Its end, not included" }),
    total: count.openapi({ description: "Orders placed in the range" }),
    by_status: z.object(perStatus).openapi({ description: "These, by how they stand now" }),
    last_24h: count.openapi({
      description:
        "Orders placed in the last 24 hours, whatever the range, from the quarter of an hour that began before",
    }),
    revenue: z.array(moneySchema).openapi({
      description:
        "By currency: totals of the orders that became sold in the range (confirmed: paid, or in no need of payment " +
        "first), less the totals of sold ones that were cancelled in it and the prices of units that were closed in " +
        "it. Below zero where more was taken off than sold. Refunds and returns are not taken off.",
    }),
    refunded: z.array(moneySchema).openapi({
      description:
        "By currency: money promised back in the range, for whatever reason, less promises that failed in it. What " +
        "was paid for orders that were never sold, or twice, is in here and never was in `revenue`.",
    }),
    units_sold: z.int().openapi({ description: "Units of what `revenue` counts" }),
    completion_rate: rate.openapi({ description: "Delivered or returned, of `total`; null of none" }),
    error_rate: rate.openapi({ description: "Rejected for want of stock, of `total`; null of none" }),
    delayed: count.openapi({
      description: "Orders that are too long in a step now, whatever the range; counted up to 10,000",
    }),
    top_products: z
      .array(z.object({ product_id: z.string(), title: z.string(), units: count }))
      .nullable()
      .openapi({
        description:
          "The ten that sold most units, cancelled and closed ones taken off. Of a range, over the UTC days that it " +
          "touches; null where these are more than 366.",
      }),
  })
  .openapi("OrderStatistics");
export type StatisticsWire = z.infer<typeof statisticsSchema>;

export const rebuildSchema = z
  .strictObject({
    after: z.iso
      .date()
      .optional()
      .openapi({ description: "`next` of the answer to go on from", example: "2026-11-20" }),
  })
  .openapi("RebuildStatistics");

export const rebuiltSchema = z
  .object({
    days: count.openapi({ description: "UTC days that were made again" }),
    next: z
      .string()
      .nullable()
      .openapi({ description: "Send as `after` to go on; null when all were made again" }),
  })
  .openapi("RebuiltStatistics");
