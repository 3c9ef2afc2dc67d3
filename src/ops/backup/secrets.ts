import type { Context } from "../../platform/context.ts";
import { seal, sealingKey, unseal } from "../../platform/sealed.ts";
import type { Row } from "./dump-table.ts";

/**
 * What opens accounts and payments, by its table: it leaves the shop encrypted by `BACKUP_KEY`, and not at all where there is
 * none. Tokens are not among them: what tables have of those are hashes of random bits.
 */
const SECRET_COLUMNS: Readonly<Record<string, string>> = {
  users: "password_hash",
  payments: "client_secret",
};

const MARK = "sealed.";

/** The rows as they may leave. */
export async function sealSecrets(context: Context, table: string, rows: Row[]): Promise<Row[]> {
  const column = SECRET_COLUMNS[table];
  if (column === undefined) return rows;
  const key = await backupKey(context);
  return Promise.all(
    rows.map(async (row) => {
      const secret = row[column];
      const told = key && typeof secret === "string" ? MARK + (await seal(key, secret)) : null;
      return { ...row, [column]: told };
    }),
  );
}

/** The rows as they left, or which column cannot be read: it was sealed by another key. */
export async function openSecrets(
  context: Context,
  table: string,
  rows: Row[],
): Promise<{ kind: "opened"; rows: Row[] } | { kind: "sealed_by_another"; column: string }> {
  const column = SECRET_COLUMNS[table];
  if (column === undefined) return { kind: "opened", rows };
  const key = await backupKey(context);
  const opened: Row[] = [];
  for (const row of rows) {
    const sealed = row[column];
    if (typeof sealed !== "string" || !sealed.startsWith(MARK)) {
      opened.push(row);
      continue;
    }
    const secret = await unseal(key ? [key] : [], sealed.slice(MARK.length));
    if (secret === null) return { kind: "sealed_by_another", column };
    opened.push({ ...row, [column]: secret });
  }
  return { kind: "opened", rows: opened };
}

async function backupKey({ settings }: Context): Promise<CryptoKey | null> {
  if (settings.BACKUP_KEY === undefined) return null;
  const bytes = new TextEncoder().encode(settings.BACKUP_KEY);
  const secret = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"]);
  return sealingKey(secret, "holdfast/backup");
}
