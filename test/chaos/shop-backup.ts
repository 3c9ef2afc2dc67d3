import { exports } from "cloudflare:workers";
import { type Api, createApi } from "../../src/cli/api.ts";
import { type BackupReader, DRAIN_MS, type RestoreOptions } from "../../src/cli/restore-shop.ts";
import { type BackupWriter, type Manifest, saveShop } from "../../src/cli/save-shop.ts";
import { testClock } from "../support/clock.ts";
import { signIn } from "../support/sign-in.ts";

/** A directory that is not one: the files as text, as a disk would have them. */
function memory() {
  const files = new Map<string, string>();
  const writer: BackupWriter = {
    append: async (file, rows) => {
      const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
      files.set(file, (files.get(file) ?? "") + text);
    },
    close: async () => [...files.keys()].map((name) => ({ name, rows: 0, sha256: "" })),
  };
  const reader = (manifest: Manifest): BackupReader => ({
    manifest,
    rows: async function* (file) {
      for (const line of (files.get(file) ?? "").split("\n")) if (line !== "") yield JSON.parse(line);
    },
  });
  return { files, writer, reader };
}

/** As `npm run restore` of a shop elsewhere, in no time. */
export const quiet: RestoreOptions = {
  forceOpen: false,
  print: () => {},
  report: async () => {},
  drainMs: DRAIN_MS,
  pause: (milliseconds) => testClock.sleep(milliseconds),
};

/** The admin's API, over the Worker itself. `watch` sees each call before it goes. */
export async function givenAdmin(watch: (method: string, path: string) => Promise<void> = async () => {}) {
  const { token, headers } = await signIn("admin");
  const api = createApi("http://shop.test", token, async (url, init) => {
    await watch(init.method ?? "GET", new URL(url).pathname.replace("/api/v1", ""));
    return exports.default.fetch(url, init);
  });
  return { api, headers };
}

export async function saved(api: Api): Promise<{ backup: BackupReader; files: Map<string, string> }> {
  const { files, writer, reader } = memory();
  return { backup: reader(await saveShop(api, writer, () => {})), files };
}
