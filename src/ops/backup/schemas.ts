import { z } from "@hono/zod-openapi";
import { movementSchema } from "../../inventory/schemas.ts";

const cell = z.union([z.string(), z.number(), z.null()]);
/** A row as its table has it. */
const CATEGORY = {
  ...{ id: "cat_01jcz4kq8rj2m5v0a7w9x3y6pd", name: "Mugs", description: "To drink from", version: 1 },
  ...{ created_at: 1763640000000, updated_at: 1763640000000, name_key: "mugs", name_words: null },
};

const row = z.record(z.string(), cell);
const dumpedRows = z.array(z.record(z.string(), z.unknown()));

export const cursorQuery = z.strictObject({
  cursor: z.string().max(2_000).optional().openapi({ description: "`next` of the page before" }),
});

export const tableQuery = cursorQuery.extend({
  since: z.iso.datetime().optional().openapi({ description: "Only rows that changed then or later" }),
});

export const changesQuery = z.strictObject({
  // Its own words, since what is missing is no number by the time that it is looked at.
  after: z.coerce
    .number({ error: "is required: a whole number from 0" })
    .int()
    .min(0)
    .openapi({
      param: { required: true },
      example: 0,
      description: "The event's number, `last_seq` of the overview",
    }),
  since: z.iso
    .datetime()
    .optional()
    .openapi({ description: "When the backup began: also the keys of what changed" }),
});

/** Of the restore that calls. */
const generation = z.int().min(1).openapi({
  description: "What `POST /ops/selling` answered to `restoring`; refused if it is another by now",
});

export const overviewSchema = z
  .object({
    schema: z.string().openapi({ description: "The last migration: a backup fits where it is the same" }),
    at: z.iso.datetime(),
    last_seq: z.int().openapi({ description: "Where the log of events stands" }),
    tables: z.array(z.string()).openapi({ description: "In the order in which they are to be read" }),
    again: z
      .array(z.object({ table: z.string(), since: z.iso.datetime().nullable() }))
      .openapi({ description: "What to read again after the objects; null: all rows" }),
    under_way: z.int().openapi({ description: "Tasks and jobs that have begun: a restore waits for them" }),
    restoring: z
      .boolean()
      .openapi({ description: "Whether a backup is being restored: then none can be made" }),
    generation: z.int().openapi({
      description:
        "How many restores have begun: what was read before and after one does not belong together",
    }),
  })
  .openapi("BackupOverview");

export const tablePageSchema = z
  .object({ rows: dumpedRows, next: z.string().nullable() })
  .openapi("BackupTablePage");

export const changesSchema = z
  .object({
    rows: z.record(z.string(), dumpedRows),
    seq: z.int(),
    more: z.boolean(),
  })
  .openapi("BackupChanges");

export const proveSchema = z
  .strictObject({ generation, password: z.string().min(1).max(1000).openapi({ format: "password" }) })
  .openapi("ProveRestorer");

export const provenSchema = z
  .object({ proof: z.string().openapi({ example: "eyJhbGciOiJFZERTQSJ9.eyJyZXN0b3JlcyI6MX0.c2lnbmF0dXJl" }) })
  .openapi("RestoreProof");

export const loadTableSchema = z
  .strictObject({
    generation,
    first: z.boolean().openapi({ description: "Empties the table first" }),
    proof: z.string().max(2_000).optional().openapi({
      description: "Of `POST /ops/backup/proof`: `users`, `roles` and `api_keys` are loaded with it alone",
      example: "eyJhbGciOiJFZERTQSJ9.eyJyZXN0b3JlcyI6MX0.c2lnbmF0dXJl",
    }),
    rows: z
      .array(row)
      .max(5_000)
      .openapi({ example: [CATEGORY] }),
  })
  .openapi("BackupTableRows");

const stockRow = z.strictObject({
  table: z
    .enum(["meta", "levels", "claims", "holds", "movements", "operations"])
    .openapi({ example: "levels" }),
  row: row.openapi({
    example: { store_id: "sto_01jcz4kq8rj2m5v0a7w9x3y6pd", on_hand: 50, reserved: 0, version: 1 },
  }),
});

export const stockPageSchema = z
  .object({ rows: z.array(stockRow), next: z.string().nullable() })
  .openapi("BackupStockPage");

export const stockQuery = z.strictObject({
  product_ids: z
    .string()
    .max(6_500)
    .transform((ids) => ids.split(","))
    .pipe(z.array(z.string().min(1).max(64)).max(100))
    .openapi({
      type: "string",
      description: "Comma-separated, 100 at most",
      example: "prd_01jcz4kq8rj2m5v0a7w9x3y6pd",
    }),
});

export const stockPagesSchema = z
  .object({
    objects: z.array(
      z.object({
        product_id: z.string(),
        rows: z.array(stockRow),
        next: z.string().nullable().openapi({ description: "Where its own route goes on; null at the end" }),
      }),
    ),
  })
  .openapi("BackupStockPages");

export const loadStocksSchema = z
  .object({
    generation,
    objects: z
      .array(
        z.object({ product_id: z.string().min(1).max(64), rows: z.array(stockRow).max(10_000) }).strict(),
      )
      .max(100),
  })
  .strict()
  .openapi("BackupStocks");

export const loadStockSchema = z
  .strictObject({ generation, first: z.boolean(), last: z.boolean(), rows: z.array(stockRow).max(10_000) })
  .openapi("BackupStockRows");

export const emptyStockSchema = z
  .strictObject({ generation, product_ids: z.array(z.string().min(1).max(64)).max(200) })
  .openapi("BackupStockEmpty");

export const finishSchema = z.strictObject({ generation }).openapi("BackupFinish");

export const movementsQuery = z.strictObject({
  since: z.iso.datetime(),
  after: z.string().max(64).default("").openapi({ description: "`next` of the answer before" }),
});

export const movementsSchema = z
  .object({
    movements: z
      .array(movementSchema.extend({ product_id: z.string() }))
      .openapi({ description: "All but what orders have reserved, released and shipped" }),
    left_out: z.boolean().openapi({ description: "Whether a product has more than are read of one" }),
    next: z.string().nullable().openapi({ description: "The last product that was asked; null at the end" }),
  })
  .openapi("BackupMovements");
export const extendedSchema = z
  .object({ access_token: z.string(), expires_in: z.int().openapi({ description: "Seconds" }) })
  .openapi("BackupToken");

export const doneSchema = z.object({ done: z.literal(true) }).openapi("BackupDone");

export const tableName = z.object({ name: z.string().openapi({ example: "categories" }) });
export const productId = z.object({ product_id: z.string() });
