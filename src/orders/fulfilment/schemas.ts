import { z } from "@hono/zod-openapi";
import { line, lines } from "../../platform/text/line.ts";
import {
  MAX_ITEMS,
  orderSchema,
  owedRefunds,
  quantitySchema,
  returnSchema,
  shipmentSchema,
} from "../schemas.ts";
import { NAMED_STEPS } from "./transition.ts";

const productId = z.string().min(1).max(64).openapi({ example: "prd_01jcz4kq8rj2m5v0a7w9x3y6pd" });
const storeId = z.string().min(1).max(64).openapi({ example: "sto_01jcz4kq8rj2m5v0a7w9x3y6pd" });

const force = z
  .boolean()
  .default(false)
  .openapi({ description: "Also what was refunded in full, which is a 409 `refunded` else" });

export const transitionSchema = z
  .strictObject({
    to: z.enum(NAMED_STEPS).openapi({ example: "processing" }),
    note: lines(500, z.string().trim().min(1)).nullish(),
    force,
  })
  .openapi("OrderTransition");

export const shipSchema = z
  .strictObject({
    items: z
      .array(z.strictObject({ product_id: productId, quantity: quantitySchema }))
      .min(1)
      .max(MAX_ITEMS)
      .nullish()
      .openapi({ description: "By default all that is left and was not refunded" }),
    store_id: storeId.nullish().openapi({ description: "Only what is allocated there" }),
    force,
    tracking: line(200).nullish(),
    carrier: line(100).nullish(),
  })
  .openapi("ShipOrder");

export const closeSchema = z
  .strictObject({
    refund: z
      .boolean()
      .default(true)
      .openapi({ description: "False where no money is to go back, since that was settled otherwise" }),
    reason: line(500).nullish(),
  })
  .openapi("CloseOrder");

export const takeBackSchema = z
  .strictObject({
    items: z
      .array(
        z.strictObject({
          product_id: productId,
          quantity: quantitySchema,
          restock: z.boolean().default(false).openapi({ description: "It goes on hand again at the store" }),
        }),
      )
      .min(1)
      .max(MAX_ITEMS),
    store_id: storeId.openapi({ description: "Where it came back to" }),
    reason: line(500),
  })
  .openapi("ReturnItems");

export const shippedSchema = z
  .object({ shipment: shipmentSchema, order: orderSchema })
  .openapi("OrderShipped");

export const returnedSchema = z
  .object({ return: returnSchema, order: orderSchema, ...owedRefunds })
  .openapi("OrderReturned");
