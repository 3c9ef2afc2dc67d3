import type { Context } from "../platform/context.ts";
import { first, sql } from "../platform/sql.ts";

/** Whether a command has changed this order before: by its operation id, a repeat recognises its own effect. */
export async function wasMadeBy({ env }: Context, orderId: string, operation: string): Promise<boolean> {
  const made = sql`SELECT version FROM order_history WHERE order_id = ${orderId} AND operation = ${operation}`;
  return (await first(env.DB, made)) !== null;
}
