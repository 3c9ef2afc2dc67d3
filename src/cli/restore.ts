import { writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as pause } from "node:timers/promises";
import { runMain } from "citty";
import { adminApi, shopOptions, shopUrl } from "./admin-api.ts";
import { readDirectory } from "./backup-directory.ts";
import { commandOf } from "./command.ts";
import { extendingApi } from "./extending-api.ts";
import { devVarsPath, mergeSettings, readDevVars } from "./local-settings.ts";
import { describeLostWindow, type LostWindow } from "./lost-window.ts";
import { DRAIN_MS, LOCAL_DRAIN_MS, restoreShop } from "./restore-shop.ts";

interface RestoreCommand {
  directory: string;
  url: string;
  token: string | undefined;
  yes: boolean;
  forceOpen: boolean;
}

async function restore({ directory, url, token, yes, forceOpen }: RestoreCommand): Promise<void> {
  const backup = await readDirectory(directory);
  const { made_at, products } = backup.manifest;
  const what = `Everything at ${url} goes back to ${made_at} (${products} products).`;
  if (!yes && !(await agreed(what))) throw new Error("Nothing was changed. --yes goes on without asking.");

  const lost: string[] = [];
  const options = {
    password: await passwordOf(yes),
    forceOpen,
    print: console.log,
    report: async (window: LostWindow) => {
      lost.push(...describeLostWindow(window, writeReport(directory, window)));
    },
    drainMs: isLocal(url) ? LOCAL_DRAIN_MS : DRAIN_MS,
    pause: (milliseconds: number) => pause(milliseconds),
  };
  const api = extendingApi(await adminApi({ url, token }), (extended) => adminApi({ url, token: extended }));
  const outcome = await restoreShop(api, backup, options);
  for (const line of lost) console.log(line);
  for (const { product_id, order_id, kind, state, detail } of outcome.open) {
    console.error(`${[product_id, order_id].filter(Boolean).join(", ")}: ${kind} (${state}), ${detail}`);
  }
  if (outcome.left > outcome.open.length)
    console.error(`and ${outcome.left - outcome.open.length} more of these products`);
  switch (outcome.kind) {
    case "open":
      console.log(`Reconciled, ${outcome.repaired} repaired. Selling goes on.`);
      return;
    case "stopped":
      throw new Error(
        "Selling stays stopped: set the above right and open it by POST /api/v1/ops/selling, or use --force-open.",
      );
  }
}

/** The password of whoever restores, of the settings or typed in. */
async function passwordOf(quiet: boolean): Promise<string> {
  const { ADMIN_PASSWORD: known } = mergeSettings(readDevVars(devVarsPath()), process.env);
  if (known) return known;
  if (quiet || !process.stdin.isTTY)
    throw new Error("Set ADMIN_PASSWORD: a restore asks for the password again.");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const password = await terminal.question("Your password: ");
  terminal.close();
  return password;
}

/** Whether the shop runs on this machine. */
const isLocal = (url: string): boolean => ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);

/** Writes the report beside the backup, readable by its owner only. Each report has a new name, since the report of a
 * second try has less in it. */
function writeReport(directory: string, window: LostWindow): string {
  const now = new Date().toISOString().replaceAll(/[-:.]/g, "");
  const file = join(dirname(resolve(directory)), `restored-${now}.json`);
  writeFileSync(file, `${JSON.stringify(window, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  console.log(`What the shop knew since the backup: ${file}`);
  return file;
}

async function agreed(what: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${what} Type yes to go on: `);
  terminal.close();
  return answer.trim().toLowerCase() === "yes";
}

const options = {
  directory: { type: "positional", required: true, description: "What a backup wrote" },
  yes: { type: "boolean", default: false, description: "Do not ask" },
  "force-open": { type: "boolean", default: false, description: "Sell again whatever reconciliation leaves" },
  ...shopOptions,
} as const;

await runMain(
  commandOf(
    "npm run restore --",
    "Puts a shop back to a backup; it is closed meanwhile, and sells nothing until its stock is reconciled",
    options,
    (args) =>
      restore({
        directory: args.directory,
        url: shopUrl(args.url),
        token: args.token,
        yes: args.yes,
        forceOpen: args["force-open"],
      }),
  ),
);
