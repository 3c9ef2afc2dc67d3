import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BackupReader } from "./restore-shop.ts";
import { type BackupWriter, type Manifest, manifestSchema } from "./save-shop.ts";

/** The manifest is written last, so a directory without it is no complete backup. */
const MANIFEST = "manifest.json";

interface OpenFile {
  handle: Promise<FileHandle>;
  rows: number;
  hash: Hash;
  /** The last write: the next one waits for it, so that the rows of a file stay in order. */
  last: Promise<unknown>;
}

/** Creates a directory that only its owner can read, because a backup has addresses and password hashes. */
export function writeDirectory(directory: string): BackupWriter {
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new Error(`${directory} is not empty: name another.`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files = new Map<string, OpenFile>();
  const openFile = (name: string): OpenFile => {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = {
      handle: open(path, "wx", 0o600),
      rows: 0,
      hash: createHash("sha256"),
      last: Promise.resolve(),
    };
    files.set(name, file);
    return file;
  };
  return {
    append: async (name, rows) => {
      if (rows.length === 0) return;
      const file = files.get(name) ?? openFile(name);
      const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
      file.rows += rows.length;
      file.hash.update(text);
      const before = file.last;
      file.last = before.then(async () => (await file.handle).appendFile(text));
      await file.last;
    },
    close: async () =>
      Promise.all(
        [...files].map(async ([name, { handle, rows, hash, last }]) => {
          await last;
          await (await handle).sync();
          await (await handle).close();
          return { name, rows, sha256: hash.digest("hex") };
        }),
      ),
  };
}

export function writeManifest(directory: string, manifest: Manifest): void {
  writeFileSync(join(directory, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
}

/** Opens a backup. Throws when it is not complete, because half a backup must not overwrite a shop. */
export async function readDirectory(directory: string): Promise<BackupReader> {
  const path = join(directory, MANIFEST);
  if (!existsSync(path))
    throw new Error(`${directory} has no ${MANIFEST}: it is no backup, or one that died.`);
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  for (const { name, sha256 } of manifest.files) {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(join(directory, name))) hash.update(chunk as Buffer);
    if (hash.digest("hex") !== sha256) throw new Error(`${name} is not as the backup wrote it.`);
  }
  return {
    manifest,
    rows: async function* (name) {
      if (!manifest.files.some((file) => file.name === name)) return;
      for await (const line of linesOf(join(directory, name)))
        yield JSON.parse(line) as Record<string, unknown>;
    },
  };
}

/** Splits at line feeds only. readline would also split at U+2028, which JSON may contain. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(path, "utf8")) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
