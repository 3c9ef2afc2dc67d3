import { z } from "@hono/zod-openapi";
import { listSchema } from "../../platform/pagination.ts";
import { listQuerySchema } from "../../platform/read-page.ts";
import { productSchema } from "../products/schemas.ts";

/** U+0000 is refused, because SQLite's functions, which compare names, stop there. */
const name = (most: number) =>
  z
    .string()
    .max(most)
    .refine((text) => !text.includes("\0"), "must not hold U+0000")
    .optional();
const amount = z.string().max(40).optional().openapi({ example: "19.99" });

export const searchQuerySchema = listQuerySchema.extend({
  q: z.string().optional().openapi({
    description: "Any text. Products that have all its words, or else any; the last may be unfinished",
    example: "blue mug",
  }),
  category: name(200).openapi({ description: "A category's id, or its name" }),
  min_price: amount.openapi({ description: "Decimal, in the shop's currency; inclusive" }),
  max_price: amount.openapi({ description: "Decimal, in the shop's currency; inclusive" }),
  store_id: name(64).openapi({ description: "Adds `store_quantity` to each product" }),
  in_stock: z.enum(["true", "false"]).default("false").openapi({
    description:
      "`true` keeps to what is available: in the store of `store_id`, or in any. `false` is as if left out",
  }),
  sort: z.enum(["relevance", "price_asc", "price_desc", "newest"]).optional().openapi({
    description:
      "`relevance` unless given, and `newest` without `q`. Prices go by their minor units, whatever the currency",
  }),
});

export type SearchQuery = z.infer<typeof searchQuerySchema>;

export const foundProductSchema = productSchema
  .extend({
    store_quantity: z
      .int()
      .optional()
      .openapi({ description: "With `store_id`: what is available there; 0 where it was never stocked" }),
  })
  .openapi("FoundProduct");

export type FoundProduct = z.infer<typeof foundProductSchema>;

export const foundListSchema = listSchema(foundProductSchema, "FoundProductList");

export const suggestQuerySchema = z.strictObject({
  q: z
    .string()
    .default("")
    .openapi({ param: { required: true }, description: "Three characters at least", example: "cof" }),
});

export const suggestionsSchema = z
  .object({
    query: z.string(),
    suggestions: z.array(z.string()).openapi({ example: ["Coffee grinder", "Decaf coffee"] }),
  })
  .openapi("Suggestions");
