import { z } from "zod";
import type { Context } from "../platform/context.ts";
import { composeLowStock } from "./low-stock.ts";
import type { Notice } from "./mail.ts";

/** What a notice is written from: its words, or the ids of what it is about. */
export const noticeSchema = z.discriminatedUnion("template", [
  z.object({ template: z.literal("notice"), subject: z.string(), lines: z.array(z.string()) }),
  z.object({ template: z.literal("low_stock"), products: z.int(), product_ids: z.array(z.string()) }),
]);

export async function composeNotice(
  context: Context,
  payload: z.infer<typeof noticeSchema>,
): Promise<Notice> {
  switch (payload.template) {
    case "notice":
      return payload;
    case "low_stock":
      return composeLowStock(context, payload);
  }
}
