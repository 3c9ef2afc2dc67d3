import { z } from "zod";
import type { Api } from "./api.ts";
import { type LostWindow, readLostWindow } from "./lost-window.ts";
import { type Manifest, overviewSchema, STOCK_FILE, tableFile } from "./save-shop.ts";

/** Where a backup is read from. */
export interface BackupReader {
  manifest: Manifest;
  /** The rows of a file, in their order; none where there is no such file. */
  rows(file: string): AsyncIterable<Record<string, unknown>>;
}

const driftSchema = z.looseObject({
  product_id: z.string(),
  kind: z.string(),
  state: z.string(),
  detail: z.string(),
});
export type OpenDrift = z.infer<typeof driftSchema>;

export type RestoreOutcome =
  /** Selling goes on. `open`: drift that is left, where it was forced open. */
  | { kind: "open"; repaired: number; open: OpenDrift[] }
  /** Selling stays stopped, since reconciliation left these to a person. */
  | { kind: "stopped"; repaired: number; open: OpenDrift[] };

export interface RestoreOptions {
  /** Sells again whatever reconciliation leaves. */
  forceOpen: boolean;
  tell: (line: string) => void;
  /** Keeps what the shop knew of the time that is lost. Called before anything is overwritten. */
  report: (lost: LostWindow) => Promise<void>;
  /** Milliseconds until requests that began before the shop was closed are over. */
  drain: number;
  pause: (milliseconds: number) => Promise<void>;
}

/**
 * An isolate goes by having seen the shop open for five seconds (KNOWN_FOR in platform/restoring.ts); the rest is for the
 * requests that it let in at the end of them. What moves an order or its money, stores a payment event, takes a task or
 * judges a hold needs none of this: it looks in the very batch that writes.
 */
export const DRAIN = 30_000;
/** On this machine there is one isolate, and no network between its parts. */
export const LOCAL_DRAIN = 6_000;
/** Tasks and jobs that are under way are looked after so often; milliseconds. */
const LOOK_AGAIN = 2_000;
/** Bodies are taken up to a megabyte. */
const MAX_BODY = 600_000;
const MAX_ROWS = 2_000;
/** Reconciliation looks again so often at what went on while it was mended. */
const ROUNDS = 3;

/**
 * Puts a shop back to a backup. The shop is closed first: nothing else writes while it is `restoring`, no request, webhook,
 * task or job, so nothing is acknowledged and then overwritten. A restore that dies leaves it so, and is simply run again:
 * each step empties before it fills. The order in between:
 *
 * 0. What had begun before ends, and what is about to be lost is reported. From here to step 4 an admin could open the
 *    shop by hand, and would have half of one: each part that overwrites asks for the state, and the restore ends.
 * 1. All objects are emptied: those that are in no backup stay so, and none has a hold that asks for its fate while D1 is
 *    half there, only to be told that a living order is none. Loaded rows replace what a late one may still write.
 * 2. D1, table by table. 3. The objects, born again: their reports beat those of their former life.
 * 4. All is there again: the shop is `stopped`, which keeps only orders out, and providers may tell again.
 * 5. Reconciliation with repair over all products. Selling goes on only when nothing is left open.
 */
export async function restoreShop(
  api: Api,
  backup: BackupReader,
  options: RestoreOptions,
): Promise<RestoreOutcome> {
  const { manifest } = backup;
  const { schema, tables } = await api.get("/ops/backup", overviewSchema);
  if (schema !== manifest.schema)
    throw new Error(`The backup is of ${manifest.schema}, the database of ${schema}: migrate to that first.`);

  const { state: before } = await api.get("/ops/selling", sellingSchema);
  await setSelling(api, "restoring");
  options.tell(
    "The shop is closed. Should this end before it says so, run it again: nothing else opens it by itself.",
  );
  const to = await untilQuiet(api, options);
  const after_another_restore = before === "restoring";
  await options.report(await readLostWindow(api, { from: manifest.made_at, to, after_another_restore }));
  await emptyObjects(api, backup);
  for (const table of tables) await restoreTable(api, backup, table);
  await api.post("/ops/backup/finish", undefined, doneSchema);
  options.tell(`${tables.length} tables restored`);
  options.tell(`${await restoreStock(api, backup)} stock objects restored`);

  await setSelling(api, "stopped");
  const { repaired, open } = await reconcileAll(api);
  if (open.length > 0 && !options.forceOpen) return { kind: "stopped", repaired, open };
  await setSelling(api, "open");
  return { kind: "open", repaired, open };
}

const doneSchema = z.object({ done: z.literal(true) });
const sellingSchema = z.object({ state: z.string() });

/**
 * Waits until all is over that began before the shop was closed. A task or job that died counts for as long as it could
 * have lived, a quarter of an hour at most. Returns the moment, by the shop's own clock.
 */
async function untilQuiet(api: Api, { drain, pause, tell }: RestoreOptions): Promise<string> {
  await pause(drain);
  for (let told = false; ; told = true) {
    const { at, under_way } = await api.get("/ops/backup", overviewSchema);
    if (under_way === 0) return at;
    if (!told) tell(`Waiting for ${under_way} tasks and jobs that are under way.`);
    await pause(LOOK_AGAIN);
  }
}

const setSelling = (api: Api, state: "open" | "stopped" | "restoring") =>
  api.post("/ops/selling", { state }, sellingSchema);

const productPage = z.object({
  rows: z.array(z.looseObject({ id: z.string() })),
  next: z.string().nullable(),
});

/** Those of the shop as it is, and those of the backup, which a first try may have lost from the shop. */
async function emptyObjects(api: Api, backup: BackupReader): Promise<void> {
  const products = new Set<string>();
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const page: z.infer<typeof productPage> = await api.get(
      `/ops/backup/tables/products${query}`,
      productPage,
    );
    for (const { id } of page.rows) products.add(id);
    cursor = page.next;
  } while (cursor !== null);
  for await (const { id } of backup.rows(tableFile("products"))) products.add(String(id));
  for (const product_ids of chunks([...products], 200)) {
    await api.post("/ops/backup/empty-stock", { product_ids }, doneSchema);
  }
}

async function restoreTable(api: Api, backup: BackupReader, table: string): Promise<void> {
  const path = `/ops/backup/tables/${table}`;
  let first = true;
  const parcel = new Parcel();
  const send = async () => {
    await api.post(path, { first, rows: parcel.take() }, doneSchema);
    first = false;
  };
  for await (const row of backup.rows(tableFile(table))) if (parcel.add(row)) await send();
  if (first || !parcel.isEmpty) await send();
}

async function restoreStock(api: Api, backup: BackupReader): Promise<number> {
  let current: string | null = null;
  let first = true;
  let count = 0;
  const parcel = new Parcel();
  const send = async (last: boolean) => {
    await api.post(`/ops/backup/stock/${current}`, { first, last, rows: parcel.take() }, doneSchema);
    first = false;
  };
  for await (const { product, table, row } of backup.rows(STOCK_FILE)) {
    if (product !== current) {
      if (current !== null) await send(true);
      current = String(product);
      first = true;
      count++;
    }
    if (parcel.add({ table, row })) await send(false);
  }
  if (current !== null) await send(true);
  return count;
}

/** Rows on their way, as many as a body takes. */
class Parcel {
  #rows: unknown[] = [];
  #size = 0;

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  /** True when it is full: bytes are counted as three a character at worst, for text beyond ASCII. */
  add(row: unknown): boolean {
    this.#rows.push(row);
    this.#size += new TextEncoder().encode(JSON.stringify(row)).length + 1;
    return this.#size >= MAX_BODY || this.#rows.length >= MAX_ROWS;
  }

  take(): unknown[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#size = 0;
    return rows;
  }
}

const reconciliationSchema = z.object({
  drift: z.array(driftSchema),
  repaired: z.number(),
  next: z.string().nullable(),
});

async function reconcileAll(api: Api): Promise<{ repaired: number; open: OpenDrift[] }> {
  let repaired = 0;
  let open: OpenDrift[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    open = [];
    let after: string | null = "";
    while (after !== null) {
      const body: { repair: true; after: string } = { repair: true, after };
      const part: z.infer<typeof reconciliationSchema> = await api.post(
        "/inventory/reconcile",
        body,
        reconciliationSchema,
      );
      repaired += part.repaired;
      open.push(...part.drift.filter(({ state }) => state !== "repaired"));
      after = part.next;
    }
    if (open.length === 0) break;
  }
  return { repaired, open };
}

function chunks<T>(items: T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}
