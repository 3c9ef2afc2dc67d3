import { runMain } from "citty";
import { adminApi, shopOptions, shopUrl } from "./admin-api.ts";
import { writeDirectory, writeManifest } from "./backup-directory.ts";
import { commandOf } from "./command.ts";
import { saveShop } from "./save-shop.ts";

async function backup(directory: string, url: string, token: string | undefined): Promise<void> {
  const writer = writeDirectory(directory);
  const manifest = await saveShop(await adminApi({ url, token }), writer, console.log);
  writeManifest(directory, manifest);
  const rows = manifest.files.reduce((sum, file) => sum + file.rows, 0);
  console.log(`${directory}: ${rows} rows in ${manifest.files.length} files, as of ${manifest.made_at}`);
}

const timestamp = (): string => new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");

const options = {
  out: { type: "string", description: "A new directory (backups/<now>)" },
  ...shopOptions,
} as const;

await runMain(
  commandOf(
    "npm run backup --",
    "Reads the whole shop, database and stock, into a directory; the shop goes on selling",
    options,
    (args) => backup(args.out ?? `backups/${timestamp()}`, shopUrl(args.url), args.token),
  ),
);
