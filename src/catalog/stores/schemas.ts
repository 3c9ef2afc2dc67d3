import { z } from "@hono/zod-openapi";
import { countrySchema } from "../../platform/country.ts";
import { listSchema } from "../../platform/pagination.ts";
import { line, lines } from "../../platform/text/line.ts";

const DEFAULT_PRIORITY = 100;

export const storeSchema = z
  .object({
    id: z.string().openapi({ example: "sto_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    name: z.string(),
    address: z.string(),
    country: z.string().openapi({ description: "ISO 3166-1 alpha-2", example: "NL" }),
    priority: z.int().openapi({ description: "Lower is preferred when Holdfast chooses the store" }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    version: z.int(),
  })
  .openapi("Store");

export type Store = z.infer<typeof storeSchema>;

export const storeListSchema = listSchema(storeSchema, "StoreList");

const name = line(200).openapi({ description: "Unique, whatever its case", example: "Amsterdam" });
const address = lines(500, z.string().trim()).openapi({ example: "Damrak 1, Amsterdam" });
const priority = z.int().min(0).max(1_000_000).openapi({ description: "Lower is preferred" });

export const newStoreSchema = z
  .strictObject({
    name,
    address: address.default(""),
    country: countrySchema,
    priority: priority.default(DEFAULT_PRIORITY),
  })
  .openapi("NewStore");

export type NewStore = z.infer<typeof newStoreSchema>;

export const storeChangeSchema = z
  .strictObject({ name, address, country: countrySchema, priority })
  .partial()
  .openapi("StoreChange");

export type StoreChange = z.infer<typeof storeChangeSchema>;
