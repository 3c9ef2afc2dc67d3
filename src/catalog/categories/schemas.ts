import { z } from "@hono/zod-openapi";
import { listSchema } from "../../platform/pagination.ts";
import { line, lines } from "../../platform/text/line.ts";

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

const name = line(100).openapi({ description: "Unique, whatever its case", example: "Books" });
const description = lines(2_000, z.string().trim());

export const newCategorySchema = z
  .strictObject({ name, description: description.default("") })
  .openapi("NewCategory");

export type NewCategory = z.infer<typeof newCategorySchema>;

export const categoryChangeSchema = z.strictObject({ name, description }).partial().openapi("CategoryChange");

export type CategoryChange = z.infer<typeof categoryChangeSchema>;
