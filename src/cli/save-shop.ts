import { z } from "zod";
import type { Api } from "./api.ts";

/** Where a backup is written: a directory in the command, memory in tests. */
export interface BackupWriter {
  /** Adds rows to a file, a line of JSON each. */
  append(file: string, rows: unknown[]): Promise<void>;
  /** What was written. */
  close(): Promise<BackupFile[]>;
}

export const fileSchema = z.object({ name: z.string(), rows: z.number(), sha256: z.string() });
export type BackupFile = z.infer<typeof fileSchema>;

export const manifestSchema = z.object({
  format: z.literal(1),
  /** The moment that the backup is not older than. */
  made_at: z.string(),
  /** The last migration of the database: a backup fits where it is the same. */
  schema: z.string(),
  tables: z.array(z.string()),
  products: z.number(),
  files: z.array(fileSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const STOCK_FILE = "stock.jsonl";
export const tableFile = (table: string): string => `tables/${table}.jsonl`;

const rowSchema = z.record(z.string(), z.unknown());
export const overviewSchema = z.object({
  schema: z.string(),
  at: z.string(),
  last_seq: z.number(),
  tables: z.array(z.string()),
  under_way: z.number(),
});
const pageSchema = z.object({ rows: z.array(rowSchema), next: z.string().nullable() });
const changesSchema = z.object({
  rows: z.record(z.string(), z.array(rowSchema)),
  seq: z.number(),
  more: z.boolean(),
});

/** Stock objects read at once. */
const AT_ONCE = 8;

/**
 * Reads the whole shop while it sells. No single moment is shown, so the order is what makes every restored state safe:
 *
 * 1. D1, table by table, and then what changed meanwhile, whole (see dumpChanges): each order and each product is of one
 *    version, with all that belongs to it.
 * 2. Only then the objects, each of one moment of its own. An order placed in between is a hold of a claim that D1 does not
 *    know: once restored it asks, is told `abandoned`, and lets go. The other way round, an order of D1 whose hold the
 *    object did not have yet would be sold without its units.
 * 3. What moved in between (a cancel, a shipment) the objects have and D1 has not: there D1 is the truth, and the
 *    reconciliation that ends each restore gives the order its units back, or names it short.
 */
export async function saveShop(
  api: Api,
  writer: BackupWriter,
  tell: (line: string) => void,
): Promise<Manifest> {
  const { schema, at, last_seq, tables } = await api.get("/ops/backup", overviewSchema);
  const products = new Set<string>();
  const keep = async (table: string, rows: Record<string, unknown>[]) => {
    if (table === "products") for (const { id } of rows) products.add(String(id));
    await writer.append(tableFile(table), rows);
  };
  for (const table of tables) {
    await everyPage(api, `/ops/backup/tables/${table}`, (rows) => keep(table, rows));
  }
  tell(`${tables.length} tables read`);
  let after = last_seq;
  for (let more = true; more; ) {
    const changes = await api.get(`/ops/backup/changes?after=${after}`, changesSchema);
    for (const [table, rows] of Object.entries(changes.rows)) await keep(table, rows);
    after = changes.seq;
    more = changes.more;
  }
  await saveStock(api, writer, [...products]);
  tell(`${products.size} stock objects read`);
  return { format: 1, made_at: at, schema, tables, products: products.size, files: await writer.close() };
}

async function saveStock(api: Api, writer: BackupWriter, products: string[]): Promise<void> {
  const waiting = products.values();
  const lane = async () => {
    for (const product of waiting) {
      const all: Record<string, unknown>[] = [];
      await everyPage(api, `/ops/backup/stock/${product}`, async (rows) => void all.push(...rows));
      // All of an object at once: a restore reads it as one stretch of lines.
      await writer.append(
        STOCK_FILE,
        all.map((row) => ({ product, ...row })),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** @param path may have a query already */
export async function everyPage(
  api: Api,
  path: string,
  take: (rows: Record<string, unknown>[]) => Promise<void>,
): Promise<void> {
  let cursor: string | null = null;
  do {
    const mark: string = path.includes("?") ? "&" : "?";
    const query: string = cursor === null ? "" : `${mark}cursor=${encodeURIComponent(cursor)}`;
    const page: z.infer<typeof pageSchema> = await api.get(`${path}${query}`, pageSchema);
    await take(page.rows);
    cursor = page.next;
  } while (cursor !== null);
}
