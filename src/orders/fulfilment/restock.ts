import { z } from "zod";
import { type NewTask, newTask } from "../../events/append.ts";
import { stockOf } from "../../inventory/client.ts";
import type { AdjustCommand } from "../../inventory/stock-types.ts";
import type { Context } from "../../platform/context.ts";
import { describeError } from "../../platform/log.ts";

/** Payload of a `restock` task: what of one return goes back on the shelf, in the same words however often it is sent. */
export const restockSchema = z.object({
  return_id: z.string(),
  reference: z.string(),
  store_id: z.string(),
  reason: z.string(),
  actor: z.string(),
  items: z.array(z.object({ product_id: z.string(), quantity: z.int().min(1) })),
});

export type Restock = z.infer<typeof restockSchema>;

export const restockTask = (context: Context, id: string, orderId: string, restock: Restock): NewTask =>
  newTask(context, "restock", orderId, restock, { id });

/**
 * Puts what came back on hand, one RPC a product, all in parallel. The return and the product are the operation: each
 * is put back once, whoever sends it and however often. Null when all is done, else what went wrong.
 */
export async function sendRestock(context: Context, restock: Restock): Promise<string | null> {
  const faults = await Promise.all(
    restock.items.map(async ({ product_id, quantity }) => {
      try {
        const command: AdjustCommand = {
          operation: `${restock.return_id}:${product_id}`,
          storeId: restock.store_id,
          type: "return",
          quantity,
          reason: restock.reason,
          reference: restock.reference,
          actor: restock.actor,
        };
        const stock = stockOf(context.env, product_id);
        const outcome = await stock.adjust(product_id, command, context.generation, "system");
        return outcome.kind === "done" ? [] : [`${product_id}: ${outcome.kind}`];
      } catch (error) {
        context.log.warn("a return could not be restocked", { product_id, error: describeError(error) });
        return [`${product_id}: its Stock object did not answer`];
      }
    }),
  );
  const told = faults.flat();
  return told.length === 0 ? null : told.join("; ");
}
