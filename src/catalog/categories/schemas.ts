import { z } from "@hono/zod-openapi";
import { listSchema } from "../../platform/pagination.ts";

export const categorySchema = z
  .object({
    id: z.string().openapi({ example: "cat_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    name: z.string(),
    description: z.string(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    version: z.int(),
  })
  .openapi("Category");

export type Category = z.infer<typeof categorySchema>;

export const categoryListSchema = listSchema(categorySchema, "CategoryList");

const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .openapi({ description: "Unique, whatever its case", example: "Books" });
const description = z.string().trim().max(2_000);

export const newCategorySchema = z
  .strictObject({ name, description: description.default("") })
  .openapi("NewCategory");

export type NewCategory = z.infer<typeof newCategorySchema>;

export const categoryChangeSchema = z.strictObject({ name, description }).partial().openapi("CategoryChange");

export type CategoryChange = z.infer<typeof categoryChangeSchema>;
