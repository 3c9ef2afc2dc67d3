import { z } from "@hono/zod-openapi";
import { DRIFT_KINDS, DRIFT_STATES } from "./drift.ts";

/** Each product's object is called, so a request may name this many. */
export const MAX_PRODUCTS = 100;

export const reconcileSchema = z
  .strictObject({
    product_ids: z
      .array(z.string().min(1).max(64))
      .min(1)
      .max(MAX_PRODUCTS)
      .optional()
      .openapi({ description: "Left out: all products, as far as one request gets" }),
    repair: z.boolean().default(false),
    after: z.string().max(64).optional().openapi({ description: "`next` of the answer to go on from" }),
  })
  .refine(({ product_ids, after }) => product_ids === undefined || after === undefined, {
    path: ["after"],
    message: "goes with all products only",
  })
  .openapi("Reconcile", {
    example: { product_ids: ["prd_01jcz4kq8rj2m5v0a7w9x3y6pd"], repair: false },
  });

export type ReconcileRequest = z.infer<typeof reconcileSchema>;

export const reconciliationSchema = z
  .object({
    checked: z.int().openapi({ description: "Products" }),
    drift: z.array(
      z.object({
        product_id: z.string(),
        kind: z.enum(DRIFT_KINDS),
        detail: z.string(),
        store_id: z.string().nullable(),
        claim: z.string().nullable(),
        order_id: z.string().nullable(),
        state: z.enum(DRIFT_STATES).openapi({
          description:
            "`short`: the units are not there; `unbalanced`: a person must count; `moved`: look again; `shipped`: more has left than the order says, so record its shipment again or take the units back",
        }),
      }),
    ),
    drifts: z
      .int()
      .openapi({ description: "All of them: of one product at most 100 are named, the open ones first" }),
    repaired: z.int(),
    open: z.record(z.string(), z.int()).openapi({ description: "How many are left, by kind and state" }),
    next: z
      .string()
      .nullable()
      .openapi({ description: "Send as `after` to go on; null when all were checked" }),
  })
  .openapi("Reconciliation");
