import { z } from "zod";
import type { Context } from "../platform/context.ts";
import { each, first, sql } from "../platform/sql.ts";

/** The payload of the mail that src/orders/read/send-link.ts owes to whoever asked for an order. */
export const askedLinkSchema = z.object({
  template: z.literal("order_link"),
  references: z.array(z.string()),
  email: z.string(),
});

/** The order that was asked for; null where none has this reference and this address. */
export async function findAsked(
  { env }: Context,
  { references, email }: z.infer<typeof askedLinkSchema>,
): Promise<string | null> {
  const found = await first(
    env.DB,
    sql<{ id: string }>`
      SELECT id FROM orders WHERE reference IN (SELECT value FROM ${each(references)}) AND customer_email = ${email}`,
  );
  return found?.id ?? null;
}
