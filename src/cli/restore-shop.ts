import { z } from "zod";
import { chunksOf } from "../platform/chunks.ts";
import type { Api } from "./api.ts";
import { atOnce } from "./at-once.ts";
import { type LostWindow, readLostWindow } from "./lost-window.ts";
import { Progress } from "./progress.ts";
import { everyPage, type Manifest, overviewSchema, STOCK_FILE, tableFile } from "./save-shop.ts";

/** A backup to restore. */
export interface BackupReader {
  manifest: Manifest;
  /** The rows of a file, in order; none when there is no such file. */
  rows(file: string): AsyncIterable<Record<string, unknown>>;
}

const driftSchema = z.looseObject({
  product_id: z.string(),
  kind: z.string(),
  state: z.string(),
  detail: z.string(),
  order_id: z.string().nullish(),
});
export type OpenDrift = z.infer<typeof driftSchema>;

export type RestoreOutcome =
  /** The shop sells again. `open` is drift that is left, if selling was forced. */
  | ({ kind: "open" } & Reconciled)
  /** Selling stays stopped, because reconciliation left this drift to a person. */
  | ({ kind: "stopped" } & Reconciled);

interface Reconciled {
  repaired: number;
  /** The drift that is left, as far as it was named: at most 100 of each product. */
  open: OpenDrift[];
  /** How many are left, those that were not named too. */
  left: number;
}

export interface RestoreOptions {
  /** Of whoever runs it: asked for again before it overwrites who may do what. */
  password: string;
  /** Whether to sell again even if drift is left. */
  forceOpen: boolean;
  print: (line: string) => void;
  /** Stores what the shop knew of the time that is lost. Called before anything is overwritten. */
  report: (lost: LostWindow) => Promise<void>;
  /** How long to wait for requests that began before the shop was closed. */
  drainMs: number;
  pause: (milliseconds: number) => Promise<void>;
}

/**
 * An isolate may rely for five seconds on having seen the shop open (`mayWrite` in platform/restoring.ts); the rest of the
 * time is for the requests that it accepted at the end of them. Writes of orders, money, payment events, tasks and fates
 * do not need this wait, because they check for a restore in their own batch.
 */
export const DRAIN_MS = 30_000;
/** This machine has only one isolate, and no network between the parts. */
export const LOCAL_DRAIN_MS = 6_000;
/** How often it checks whether tasks and jobs have ended. */
const POLL_MS = 2_000;
/** Well below the limit of a body, one megabyte. */
const MAX_BODY_BYTES = 600_000;
const MAX_ROWS = 2_000;
/** How many tables are loaded at the same time. D1 has one writer, so more would only wait there. */
const PARALLEL_TABLES = 3;
/** Objects of one call, and how many calls are made at the same time. */
const OBJECTS_LOADED = 100;
const PARALLEL_CALLS = 4;
/** Reconciliation is repeated, because stock may change while it is repaired. */
const RECONCILIATION_ROUNDS = 3;

/**
 * Restores a shop from a backup. First it closes the shop: while the state is `restoring`, no request, webhook, task or job
 * writes, so nothing is acknowledged and then overwritten. A restore that dies leaves the shop closed and is simply run
 * again, because each step empties before it fills. Closing the shop answers the generation of this restore, and every
 * call that follows carries it: where another restore has begun since, or an admin has opened the shop by hand, it is refused,
 * however late it comes. The steps:
 *
 * 0. Wait for what had begun before, and report what is about to be lost.
 * 1. Empty all objects. Those that are not in the backup stay empty. And no hold may ask for its fate while D1 is only half
 *    loaded, or it would be told that its living order does not exist.
 * 2. Load D1, table by table. Rebuild the figures from the orders: they are in no backup, and loading has changed them.
 * 3. Load the objects, also those that have nothing in the backup: until an object's last part it takes no commands, and
 *    after it none of before the restore.
 * 4. Set the shop to `stopped`, which refuses only orders, so that providers can send their events again.
 * 5. Reconcile all products with repair. The shop sells again only if no drift is left.
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

  const before = await api.get("/ops/selling", sellingSchema);
  const { generation } = await setSelling(api, "restoring", before.generation);
  const send: Send = async (path, body) => void (await api.post(path, { generation, ...body }, doneSchema));
  options.print(
    "The shop is closed. Should this end before it says so, run it again: nothing else opens it by itself.",
  );
  const to = await waitUntilDrained(api, options);
  const after_another_restore = before.state === "restoring";
  await options.report(await readLostWindow(api, { from: manifest.made_at, to, after_another_restore }));
  const progress = new Progress(options.print);
  // Before anything is overwritten: the users that are loaded may not have whoever runs this.
  const { proof } = await api.post(
    "/ops/backup/proof",
    { generation, password: options.password },
    proofSchema,
  );
  const products = await productsOf(backup);
  await emptyObjects(api, send, products, progress);
  await restoreTables(send, backup, tables, { proof, progress });
  await send("/ops/backup/finish");
  await rebuildFigures(api, progress);
  progress.done(`${tables.length} tables restored`);
  progress.done(`${await restoreStock(send, backup, products, progress)} stock objects restored`);

  await setSelling(api, "stopped", generation);
  const reconciled = await reconcileAll(api, manifest.products, progress);
  if (reconciled.left > 0 && !options.forceOpen) return { kind: "stopped", ...reconciled };
  await setSelling(api, "open", generation);
  return { kind: "open", ...reconciled };
}

const proofSchema = z.object({ proof: z.string() });
const doneSchema = z.object({ done: z.literal(true) });
const sellingSchema = z.object({ state: z.string(), generation: z.number() });

/** Sends a call of this restore, which carries its generation. */
type Send = (path: string, body?: object) => Promise<void>;

/**
 * Waits until everything has ended that began before the shop was closed. A task or job that died counts as running for as
 * long as it could have run, a quarter of an hour at most. Returns the time by the shop's clock.
 */
async function waitUntilDrained(api: Api, { drainMs, pause, print }: RestoreOptions): Promise<string> {
  await pause(drainMs);
  for (let printed = false; ; printed = true) {
    const { at, under_way } = await api.get("/ops/backup", overviewSchema);
    if (under_way === 0) return at;
    if (!printed) print(`Waiting for ${under_way} tasks and jobs that are under way.`);
    await pause(POLL_MS);
  }
}

/** @param generation of the shop as the caller knows it: refused where a restore has begun since */
const setSelling = (api: Api, state: "open" | "stopped" | "restoring", generation: number) =>
  api.post("/ops/selling", { state, generation }, sellingSchema);

async function productsOf(backup: BackupReader): Promise<Set<string>> {
  const products = new Set<string>();
  for await (const { id } of backup.rows(tableFile("products"))) products.add(String(id));
  return products;
}

/** Empties the objects of the shop's products and of the backup's, which an earlier try may have deleted from the shop. */
async function emptyObjects(api: Api, send: Send, ofBackup: Set<string>, progress: Progress): Promise<void> {
  const products = new Set<string>();
  await everyPage(api, "/ops/backup/tables/products", async (rows) => {
    for (const { id } of rows) products.add(String(id));
  });
  for (const id of ofBackup) products.add(id);
  const step = progress.step(products.size, "stock objects emptied");
  for (const product_ids of chunksOf([...products], 200)) {
    await send("/ops/backup/empty-stock", { product_ids });
    step.more(product_ids.length);
  }
}

/**
 * Loads the tables, a few at a time. In which order does not matter, since what depends on two of them is made again
 * afterwards; the parts of one table follow each other, since of two rows with the same key the later one counts.
 */
async function restoreTables(
  send: Send,
  backup: BackupReader,
  tables: string[],
  { proof, progress }: { proof: string; progress: Progress },
): Promise<void> {
  const files = backup.manifest.files.filter(({ name }) => name !== STOCK_FILE);
  const total = files.reduce((sum, { rows }) => sum + rows, 0);
  const step = progress.step(total, "rows of tables loaded");
  await atOnce(PARALLEL_TABLES, tables, (table) => restoreTable(send, backup, { table, proof }, step.more));
}

async function restoreTable(
  send: Send,
  backup: BackupReader,
  { table, proof }: { table: string; proof: string },
  count: (rows: number) => void,
): Promise<void> {
  const path = `/ops/backup/tables/${table}`;
  let first = true;
  const chunk = new Chunk();
  const sendChunk = async () => {
    const rows = chunk.take();
    await send(path, { first, proof, rows });
    first = false;
    count(rows.length);
  };
  for await (const row of backup.rows(tableFile(table))) if (chunk.add(row)) await sendChunk();
  if (first || !chunk.isEmpty) await sendChunk();
}

/**
 * Loads the objects, many small ones in one call. The parts of a large one go one after the other: the first empties it, and
 * until the last it does nothing else. If this dies, some objects are loaded, a few half and the others empty, in a closed
 * shop.
 */
async function restoreStock(
  send: Send,
  backup: BackupReader,
  products: Set<string>,
  progress: Progress,
): Promise<number> {
  const step = progress.step(products.size, "stock objects loaded");
  let count = 0;
  const loaded = (more: number) => {
    count += more;
    step.more(more);
  };
  let before: Promise<unknown> = Promise.resolve();
  await atOnce(PARALLEL_CALLS, inCalls(objectParts(backup, products)), async (call) => {
    if (call.kind === "whole") {
      await send("/ops/backup/stock", { objects: call.objects });
      return loaded(call.objects.length);
    }
    const { product, first, last, rows } = call.part;
    const sendPart = () => send(`/ops/backup/stock/${product}`, { first, last, rows });
    // What was sent last is the part before this one: no call with other objects comes between.
    const sent = first ? sendPart() : before.then(sendPart);
    before = sent;
    await sent;
    if (last) loaded(1);
  });
  return count;
}

interface ObjectPart {
  product: string;
  first: boolean;
  last: boolean;
  rows: unknown[];
  /** Of its rows as JSON. */
  bytes: number;
}

/** One request: whole objects, or a part of one. */
type StockCall =
  | { kind: "whole"; objects: { product_id: string; rows: unknown[] }[] }
  | { kind: "part"; part: ObjectPart };

/** Puts objects that are whole into one call, as many as it takes. */
async function* inCalls(parts: AsyncIterable<ObjectPart>): AsyncGenerator<StockCall> {
  let objects: { product_id: string; rows: unknown[] }[] = [];
  let bytes = 0;
  for await (const part of parts) {
    if (!part.first || !part.last) {
      yield { kind: "part", part };
      continue;
    }
    if (objects.length > 0 && (bytes + part.bytes > MAX_BODY_BYTES || objects.length === OBJECTS_LOADED)) {
      yield { kind: "whole", objects };
      objects = [];
      bytes = 0;
    }
    objects.push({ product_id: part.product, rows: part.rows });
    bytes += part.bytes;
  }
  if (objects.length > 0) yield { kind: "whole", objects };
}

/** The parts of the objects of these products, those of one after the other. One that has nothing in the backup has one part. */
async function* objectParts(backup: BackupReader, products: Set<string>): AsyncGenerator<ObjectPart> {
  const without = new Set(products);
  const chunk = new Chunk();
  let current: string | null = null;
  let first = true;
  for await (const { product: id, table, row } of backup.rows(STOCK_FILE)) {
    const product = String(id);
    without.delete(product);
    if (product !== current) {
      if (current !== null) yield { product: current, first, last: true, ...chunk.takeSized() };
      current = product;
      first = true;
    }
    if (!chunk.add({ table, row })) continue;
    yield { product, first, last: false, ...chunk.takeSized() };
    first = false;
  }
  if (current !== null) yield { product: current, first, last: true, ...chunk.takeSized() };
  for (const product of without) yield { product, first: true, last: true, rows: [], bytes: 0 };
}

/** The rows of one request. */
class Chunk {
  #rows: unknown[] = [];
  #size = 0;

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  /** Returns whether the chunk is full. */
  add(row: unknown): boolean {
    this.#rows.push(row);
    this.#size += new TextEncoder().encode(JSON.stringify(row)).length + 1;
    return this.#size >= MAX_BODY_BYTES || this.#rows.length >= MAX_ROWS;
  }

  take(): unknown[] {
    return this.takeSized().rows;
  }

  takeSized(): { rows: unknown[]; bytes: number } {
    const taken = { rows: this.#rows, bytes: this.#size };
    this.#rows = [];
    this.#size = 0;
    return taken;
  }
}

const rebuiltSchema = z.object({ next: z.string().nullable() });

async function rebuildFigures(api: Api, progress: Progress): Promise<void> {
  let after: string | null = null;
  do {
    const body = after === null ? {} : { after };
    const part: z.infer<typeof rebuiltSchema> = await api.post(
      "/orders/statistics/rebuild",
      body,
      rebuiltSchema,
    );
    after = part.next;
    if (after !== null) progress.at(() => `figures made again up to ${after}`);
  } while (after !== null);
}

const reconciliationSchema = z.object({
  checked: z.number(),
  drift: z.array(driftSchema),
  repaired: z.number(),
  open: z.record(z.string(), z.number()),
  next: z.string().nullable(),
});

async function reconcileAll(api: Api, products: number, progress: Progress): Promise<Reconciled> {
  let repaired = 0;
  let open: OpenDrift[] = [];
  let left = 0;
  for (let round = 0; round < RECONCILIATION_ROUNDS; round++) {
    open = [];
    left = 0;
    const step = progress.step(products, "products reconciled");
    let after: string | null = "";
    while (after !== null) {
      const body: { repair: true; after: string } = { repair: true, after };
      const part: z.infer<typeof reconciliationSchema> = await api.post(
        "/inventory/reconcile",
        body,
        reconciliationSchema,
      );
      repaired += part.repaired;
      for (const count of Object.values(part.open)) left += count;
      open.push(...part.drift.filter(({ state }) => state !== "repaired"));
      after = part.next;
      step.more(part.checked);
    }
    if (left === 0) break;
  }
  return { repaired, open, left };
}
