import { z } from "@hono/zod-openapi";
import { problemSchema } from "../../platform/http/problem.ts";
import { orderSchema } from "../schemas.ts";

export const MAX_DRAFTS = 500;
/** Orders that are placed all or none: they are one transaction, and every hold waits for the slowest one. */
export const MAX_TOGETHER = 100;

export const bulkOrdersSchema = z
  .strictObject({
    orders: z
      .array(z.unknown().openapi({ allOf: [{ $ref: "#/components/schemas/PlaceOrder" }] }))
      .min(1)
      .max(MAX_DRAFTS),
    mode: z
      .enum(["independent", "all_or_nothing"])
      .default("independent")
      .openapi({
        description: `\`all_or_nothing\` takes ${MAX_TOGETHER} at most, and places all of them or holds nothing`,
      }),
  })
  .refine(({ orders, mode }) => mode === "independent" || orders.length <= MAX_TOGETHER, {
    path: ["orders"],
    message: `all_or_nothing takes ${MAX_TOGETHER} at most`,
  })
  .openapi("OrderBulk");

export const bulkOrdersReportSchema = z
  .object({
    batch_id: z.string().openapi({ example: "bat_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    created: z.int(),
    rejected: z.int().openapi({ description: "Those that were not placed, `invalid` ones among them" }),
    results: z.array(
      z.discriminatedUnion("status", [
        z.object({ index: z.int(), status: z.literal("created"), order: orderSchema }),
        z.object({ index: z.int(), status: z.enum(["rejected", "invalid"]), problem: problemSchema }),
      ]),
    ),
  })
  .openapi("OrderBulkReport");
