import { z } from "zod";
import type { Api } from "../../../src/cli/api.ts";
import { writeDirectory, writeManifest } from "../../../src/cli/backup-directory.ts";
import { everyPage, type Manifest, overviewSchema, tableFile } from "../../../src/cli/save-shop.ts";
import type { ShopSize } from "./made-up-orders.ts";
import { writeOrders } from "./write-orders.ts";
import { writeStock } from "./write-stock.ts";

/**
 * Writes a backup as a shop of this size would have made it. Reconciliation must find nothing in it: what is made up
 * agrees in all its parts.
 * @param api of the shop that it will be restored into, whose users are kept: so its admin stays signed in
 */
export async function makeUpBackup(directory: string, size: ShopSize, api: Api): Promise<Manifest> {
  const { schema, at, tables } = await api.get("/ops/backup", overviewSchema);
  const now = Date.parse(z.iso.datetime().parse(at));
  const writer = writeDirectory(directory);
  for (const table of ["users", "sessions", "refresh_tokens"]) {
    await everyPage(api, `/ops/backup/tables/${table}`, (rows) => writer.append(tableFile(table), rows));
  }
  await writeOrders(writer, size, now);
  await writeStock(writer, size, now);
  const files = await writer.close();
  const manifest = { format: 1 as const, made_at: at, schema, tables, products: size.products, files };
  writeManifest(directory, manifest);
  return manifest;
}
