import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Api } from "../../../src/cli/api.ts";
import { LOCAL_DRAIN_MS } from "../../../src/cli/restore-shop.ts";
import { type Manifest, STOCK_FILE } from "../../../src/cli/save-shop.ts";
import type { Checkout } from "./checkout.ts";
import { compareBackups } from "./compare-backups.ts";
import { type ShopSize, storesOf } from "./made-up-orders.ts";
import { makeUpBackup } from "./make-up-backup.ts";
import { BACKUP_STEPS, RESTORE_STEPS, StepTimes, type Taken, takenBetween, takenSoFar } from "./timed-api.ts";

/** One step, and how much it went through. */
export interface Step extends Taken {
  name: string;
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
    const levels = size.products * storesOf(0).length;
    const steps = await restore(checkout, api, madeUp, size, print);
    if (twice) {
      await waitForLists(db, levels);
      const again = await restore(checkout, api, madeUp, size, print);
      steps.push(...again.map((step) => ({ ...step, name: `again: ${step.name}` })));
    }
    const { taken: listed } = await timed(() => waitForLists(db, levels));
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
    steps.unshift({ name: "(rows)", seconds: 0, cpu: 0, ...rowsOf(manifest), isWhole: false });
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
  let drained: Taken = { seconds: 0, cpu: 0 };
  let manifest: Manifest | null = null;
  const { taken } = await timed(async () => {
    const backup = await backups.readDirectory(directory);
    manifest = backup.manifest;
    const outcome = await restoreShop(times.watch(api), backup, {
      password: process.env.ADMIN_PASSWORD ?? "",
      ...{ forceOpen: false, print, report: async () => {}, drainMs: LOCAL_DRAIN_MS },
      pause: async (milliseconds) => {
        const { taken: more } = await timed(() => pause(milliseconds));
        drained = { seconds: drained.seconds + more.seconds, cpu: drained.cpu + more.cpu };
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
    { name: "(the drain, not counted)", ...drained, count: 0, unit: "", isWhole: false },
    { name: "RESTORE", ...takenBetween(drained, taken), ...rowsOf(manifest), isWhole: true },
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
  const { taken, value: manifest } = await timed(async () => {
    const writer = backups.writeDirectory(directory);
    const made = await saveShop(times.watch(api), writer, print);
    backups.writeManifest(directory, made);
    return made;
  });
  return [
    ...partsOf(times, manifest, size),
    { name: "BACKUP", ...taken, ...rowsOf(manifest), isWhole: true },
  ];
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
  return [...times.taken].map(([name, taken]) => ({
    ...{ name, ...taken, isWhole: false },
    ...(counts[name] ?? { count: 0, unit: "" }),
  }));
}

const rowsOf = ({ files }: Manifest) => ({
  count: files.reduce((sum, { rows }) => sum + rows, 0),
  unit: "rows",
});

async function timed<T>(work: () => Promise<T>): Promise<{ taken: Taken; value: T }> {
  const from = takenSoFar();
  const value = await work();
  return { taken: takenBetween(from, takenSoFar()), value };
}

/** Until every restored object has reported its levels: they may be sold before that, and lists show them late. */
async function waitForLists(db: D1Database, levels: number): Promise<void> {
  const count = db.prepare("SELECT count(*) AS count FROM stock_levels");
  for (let tries = 0; tries < 3_000; tries++) {
    if ((await count.first<number>("count")) === levels) return;
    await pause(200);
  }
  throw new Error("the lists do not show all levels");
}
