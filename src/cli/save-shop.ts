import { z } from "zod";
import { chunksOf } from "../platform/chunks.ts";
import type { Api } from "./api.ts";
import { atOnce } from "./at-once.ts";
import { Progress } from "./progress.ts";
import { SavedAnswers } from "./saved-answers.ts";

/** Writes a backup: to a directory in the command, to memory in tests. */
export interface BackupWriter {
  /** Appends rows to a file, each as a line of JSON. */
  append(file: string, rows: unknown[]): Promise<void>;
  /** Returns the files that were written. */
  close(): Promise<BackupFile[]>;
}

export const fileSchema = z.object({ name: z.string(), rows: z.number(), sha256: z.string() });
export type BackupFile = z.infer<typeof fileSchema>;

export const manifestSchema = z.object({
  format: z.literal(1),
  /** When the backup began: everything in it is from then or later. */
  made_at: z.string(),
  /** The last migration of the database. A backup can only be restored where it is the same. */
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
  again: z.array(z.object({ table: z.string(), since: z.string().nullable() })),
  under_way: z.number(),
  restoring: z.boolean(),
  generation: z.number(),
});
const pageSchema = z.object({ rows: z.array(rowSchema), next: z.string().nullable() });
const stocksSchema = z.object({
  objects: z.array(
    z.object({ product_id: z.string(), rows: z.array(rowSchema), next: z.string().nullable() }),
  ),
});
const changesSchema = z.object({
  rows: z.record(z.string(), z.array(rowSchema)),
  seq: z.number(),
  more: z.boolean(),
});

/** Products of one call, and how many calls are made at the same time. */
const PRODUCTS_READ = 100;
const PARALLEL_CALLS = 4;

/**
 * Reads the whole shop while it sells. The backup is not of one moment, so it depends on the order that a restore is safe:
 *
 * 1. First D1, table by table, and then again whatever changed meanwhile (see dumpChanges), so that each order and each
 *    product is of one version, with everything that belongs to it, and what it names.
 * 2. Only then the objects, each as of one moment. An order placed in between is in the backup only as a hold, whose claim
 *    D1 does not know: after a restore the hold asks, is told `abandoned`, and lets go. In the opposite order of reading,
 *    an order could be in D1 without its hold, and its units would be sold again.
 * 3. Changes in between (a cancel, a shipment) are in the objects but not in D1. There D1 is right: the reconciliation at
 *    the end of a restore gives the order its units back, or reports it as short, or as shipped.
 * 4. Last, once more from D1, what could tear from the objects: stores, which they name, and keys, whose retries must find
 *    what was done under them (see saved-answers.ts).
 *
 * A restore that began meanwhile has put another history into what was not yet read: then this is no backup. Each restore
 * has a generation of its own, so the last call tells.
 */
export async function saveShop(
  api: Api,
  writer: BackupWriter,
  print: (line: string) => void,
): Promise<Manifest> {
  const begin = await api.get("/ops/backup", overviewSchema);
  const { schema, at, last_seq, tables, again } = begin;
  if (begin.restoring)
    throw new Error("The shop is being restored: half of it is no backup. Try again later.");
  const progress = new Progress(print);
  const products = new Set<string>();
  const answers = new SavedAnswers(again);
  let count = 0;
  const keep = async (table: string, rows: Record<string, unknown>[]) => {
    count += rows.length;
    progress.at(() => `${count} rows of tables read, now of ${table}`);
    answers.note(table, rows);
    if (table === "products") for (const { id } of rows) products.add(String(id));
    await writer.append(tableFile(table), rows);
  };
  for (const table of tables) {
    await everyPage(api, `/ops/backup/tables/${table}`, (rows) => keep(table, rows));
  }
  progress.done(`${tables.length} tables read`);
  let after = last_seq;
  for (let more = true; more; ) {
    const changes = await api.get(`/ops/backup/changes?after=${after}&since=${at}`, changesSchema);
    for (const [table, rows] of Object.entries(changes.rows)) await keep(table, rows);
    after = changes.seq;
    more = changes.more;
  }
  await saveStock(api, writer, [...products], progress);
  progress.done(`${products.size} stock objects read`);
  for (const { table, since } of again) {
    const path = `/ops/backup/tables/${table}${since === null ? "" : `?since=${since}`}`;
    await everyPage(api, path, (rows) => keep(table, answers.ofLate(table, rows)));
  }
  const { generation } = await api.get("/ops/backup", overviewSchema);
  if (generation !== begin.generation)
    throw new Error(
      "A restore has begun since this backup began, so it has parts of two histories. Make another.",
    );
  return { format: 1, made_at: at, schema, tables, products: products.size, files: await writer.close() };
}

async function saveStock(
  api: Api,
  writer: BackupWriter,
  products: string[],
  progress: Progress,
): Promise<void> {
  const step = progress.step(products.length, "stock objects read");
  await atOnce(PARALLEL_CALLS, chunksOf(products, PRODUCTS_READ), async (some) => {
    for (let left = some; left.length > 0; ) {
      const { objects } = await api.get(`/ops/backup/stock?product_ids=${left.join(",")}`, stocksSchema);
      if (objects.length === 0) throw new Error(`The shop reads no stock of ${left[0]}.`);
      left = left.slice(objects.length);
      for (const { product_id: product, rows, next } of objects) {
        const all = [...rows];
        if (next !== null) {
          await everyPage(api, `/ops/backup/stock/${product}`, async (more) => void all.push(...more), next);
        }
        // In one call, because a restore expects the rows of an object one after the other.
        await writer.append(
          STOCK_FILE,
          all.map((row) => ({ product, ...row })),
        );
      }
      step.more(objects.length);
    }
  });
}

/** Reads all pages of a route. @param path may have a query already @param from `next` of a page that was read before */
export async function everyPage(
  api: Api,
  path: string,
  take: (rows: Record<string, unknown>[]) => Promise<void>,
  from: string | null = null,
): Promise<void> {
  let cursor = from;
  do {
    const mark: string = path.includes("?") ? "&" : "?";
    const query: string = cursor === null ? "" : `${mark}cursor=${encodeURIComponent(cursor)}`;
    const page: z.infer<typeof pageSchema> = await api.get(`${path}${query}`, pageSchema);
    await take(page.rows);
    cursor = page.next;
  } while (cursor !== null);
}
