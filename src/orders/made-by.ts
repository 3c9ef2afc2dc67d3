import type { Context } from "../platform/context.ts";

/** Whether a command has changed this order before: by its operation id, a repeat recognises its own effect. */
export async function wasMadeBy(context: Context, orderId: string, operation: string): Promise<boolean> {
  const row = await context.env.DB.prepare(
    "SELECT version FROM order_history WHERE order_id = ?1 AND operation = ?2",
  )
    .bind(orderId, operation)
    .first();
  return row !== null;
}
