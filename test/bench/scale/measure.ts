import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { Api } from "../../../src/cli/api.ts";
import { LOCAL_DRAIN_MS } from "../../../src/cli/restore-shop.ts";
import { type Manifest, STOCK_FILE } from "../../../src/cli/save-shop.ts";
import type { Checkout } from "./checkout.ts";
import { compareBackups } from "./compare-backups.ts";
import { type ShopSize, storesOf } from "./made-up-orders.ts";
import { makeUpBackup } from "./make-up-backup.ts";
import { BACKUP_STEPS, RESTORE_STEPS, StepTimes } from "./timed-api.ts";

/** One step, and how much it went through. */
export interface Step {
  name: string;
  seconds: number;
  count: number;
  unit: string;
  /** Whether it is all of a command, rather than a part of one. */
  isWhole: boolean;
}

export interface Run {
  size: ShopSize;
  checkout: string;
  steps: Step[];
}

export interface MeasureOptions {
  /** Restores a second time, over the shop that is full by then. */
  twice: boolean;
  /** Prints what the commands print. */
  verbose: boolean;
}

/**
 * Restores a made-up backup into a fresh shop, on a workerd of its own, and takes a backup of that shop. Throws if the
 * second is not what the first was, or if reconciliation found anything.
 */
export async function measure(
  size: ShopSize,
  checkout: Checkout,
  { twice, verbose }: MeasureOptions,
): Promise<Run> {
  const place = mkdtempSync(join(tmpdir(), "holdfast-scale-"));
  const [madeUp, saved] = [join(place, "made-up"), join(place, "saved")];
  const print = verbose ? (line: string) => console.log(`  | ${line}`) : () => {};
  const shop = await checkout.shop.startShop();
  try {
    const db = await shop.db();
    await checkout.shop.migrate(db);
    await writeDownMigrations(db);
    const { api: first } = await checkout.shop.adminOf(shop);
    const manifest = await makeUpBackup(madeUp, size, first);
    const api = await checkout.adminApi.adminApi({ url: shop.url, token: undefined });
    const steps = await restore(checkout, api, madeUp, size, print);
    if (twice) {
      await waitForLists(api, size);
      const again = await restore(checkout, api, madeUp, size, print);
      steps.push(...again.map((step) => ({ ...step, name: `again: ${step.name}` })));
    }
    const listed = await timed(() => waitForLists(api, size));
    const levels = size.products * storesOf(0).length;
    steps.push({
      name: "(then until lists show it)",
      ...listed,
      count: levels,
      unit: "levels",
      isWhole: false,
    });
    steps.push(...(await save(checkout, api, saved, size, print)));
    const differences = await compareBackups(
      await checkout.backups.readDirectory(madeUp),
      await checkout.backups.readDirectory(saved),
    );
    if (differences.length > 0)
      throw new Error(`it was not saved as it was restored:\n${differences.join("\n")}`);
    steps.unshift({ name: "(rows)", seconds: 0, ...rowsOf(manifest), isWhole: false });
    return { size, checkout: checkout.name, steps };
  } finally {
    await shop.stop();
    rmSync(place, { recursive: true, force: true });
  }
}

/** As wrangler does, which did not make this shop's tables. A backup fits only where the last of them is the same. */
async function writeDownMigrations(db: D1Database): Promise<void> {
  await db.batch([
    db.prepare("CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY, name TEXT)"),
    db.prepare("INSERT INTO d1_migrations (name) VALUES ('of the bench')"),
  ]);
}

type Print = (line: string) => void;

async function restore(
  { backups, restore: { restoreShop } }: Checkout,
  api: Api,
  directory: string,
  size: ShopSize,
  print: Print,
): Promise<Step[]> {
  const times = new StepTimes(RESTORE_STEPS);
  let drained = 0;
  let manifest: Manifest | null = null;
  const { seconds } = await timed(async () => {
    const backup = await backups.readDirectory(directory);
    manifest = backup.manifest;
    const outcome = await restoreShop(times.watch(api), backup, {
      ...{ forceOpen: false, print, report: async () => {}, drainMs: LOCAL_DRAIN_MS },
      pause: async (milliseconds) => {
        drained += (await timed(() => pause(milliseconds))).seconds;
      },
    });
    if (outcome.kind !== "open" || outcome.open.length > 0 || outcome.repaired > 0)
      throw new Error(
        `what was made up does not agree in itself: ${JSON.stringify(outcome).slice(0, 1_000)}`,
      );
  });
  if (manifest === null) throw new Error("no backup was read");
  return [
    ...partsOf(times, manifest, size),
    { name: "(the drain, not counted)", seconds: drained, count: 0, unit: "", isWhole: false },
    { name: "RESTORE", seconds: seconds - drained, ...rowsOf(manifest), isWhole: true },
  ];
}

async function save(
  { backups, save: { saveShop } }: Checkout,
  api: Api,
  directory: string,
  size: ShopSize,
  print: Print,
): Promise<Step[]> {
  const times = new StepTimes(BACKUP_STEPS);
  const { seconds, value: manifest } = await timed(async () => {
    const writer = backups.writeDirectory(directory);
    const made = await saveShop(times.watch(api), writer, print);
    backups.writeManifest(directory, made);
    return made;
  });
  return [...partsOf(times, manifest, size), { name: "BACKUP", seconds, ...rowsOf(manifest), isWhole: true }];
}

/** What the parts of a command went through, by what their time should grow with. */
function partsOf(times: StepTimes, manifest: Manifest, size: ShopSize): Step[] {
  const rows = (of: "objects" | "tables") =>
    manifest.files
      .filter(({ name }) => (name === STOCK_FILE) === (of === "objects"))
      .reduce((sum, file) => sum + file.rows, 0);
  const counts: Record<string, { count: number; unit: string }> = {
    "load the objects": { count: rows("objects"), unit: "rows" },
    "read the objects": { count: rows("objects"), unit: "rows" },
    "load the tables": { count: rows("tables"), unit: "rows" },
    "read the tables": { count: rows("tables"), unit: "rows" },
    "rebuild the figures": { count: size.orders, unit: "orders" },
    "count what is owed": { count: size.orders, unit: "orders" },
    "empty the objects": { count: size.products, unit: "products" },
    "name the objects": { count: size.products, unit: "products" },
    reconcile: { count: size.products, unit: "products" },
  };
  return [...times.seconds].map(([name, seconds]) => ({
    ...{ name, seconds, isWhole: false },
    ...(counts[name] ?? { count: 0, unit: "" }),
  }));
}

const rowsOf = ({ files }: Manifest) => ({
  count: files.reduce((sum, { rows }) => sum + rows, 0),
  unit: "rows",
});

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const began = performance.now();
  const value = await work();
  return { seconds: (performance.now() - began) / 1_000, value };
}

const counted = z.object({ count: z.number().nullable() });

/** Until every restored object has reported its levels: they may be sold before that, and lists show them late. */
async function waitForLists(api: Api, size: ShopSize): Promise<void> {
  const levels = size.products * storesOf(0).length;
  for (let tries = 0; tries < 3_000; tries++) {
    if ((await api.get("/inventory?page_size=1", counted)).count === levels) return;
    await pause(200);
  }
  throw new Error("the lists do not show all levels");
}
