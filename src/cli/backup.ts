import { defineCommand, runMain } from "citty";
import { adminApi } from "./admin-api.ts";
import { writeDirectory, writeManifest } from "./backup-directory.ts";
import { refuseUnknown } from "./known-options.ts";
import { shopOptions, shopUrl } from "./local-token.ts";
import { saveShop } from "./save-shop.ts";

async function backup(directory: string, url: string, token: string | undefined): Promise<void> {
  const writer = writeDirectory(directory);
  const manifest = await saveShop(await adminApi({ url, token }), writer, console.log);
  writeManifest(directory, manifest);
  const rows = manifest.files.reduce((sum, file) => sum + file.rows, 0);
  console.log(`${directory}: ${rows} rows in ${manifest.files.length} files, as of ${manifest.made_at}`);
}

const stamp = (): string => new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");

const options = {
  out: { type: "string", description: "A new directory (backups/<now>)" },
  ...shopOptions,
} as const;

const command = defineCommand({
  meta: {
    name: "npm run backup --",
    description: "Reads the whole shop, database and stock, into a directory; the shop goes on selling",
  },
  args: options,
  run: async ({ args }) => {
    try {
      refuseUnknown(args, options);
      await backup(args.out ?? `backups/${stamp()}`, shopUrl(args.url), args.token);
    } catch (error) {
      console.error(error instanceof Error ? error.message : String(error));
      process.exitCode = 1;
    }
  },
});

await runMain(command);
