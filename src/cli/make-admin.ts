import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newUserRow } from "../accounts/new-user.ts";
import { hashPassword } from "../accounts/password.ts";
import { systemIds } from "../platform/ids.ts";
import { runWrangler } from "./wrangler.ts";

export interface NewAdmin {
  email: string;
  name: string;
  password: string;
}

/** The statement that creates an admin. An existing account becomes an admin, is enabled and gets this password. */
export async function adminStatement({ email, name, password }: NewAdmin): Promise<string> {
  const row = newUserRow({
    id: systemIds.next(),
    email,
    name,
    passwordHash: await hashPassword(password),
    role: "admin",
    now: Date.now(),
  });
  const values = Object.values(row).map((value) => (typeof value === "number" ? value : sqlText(value)));
  return `INSERT INTO users (${Object.keys(row).join(", ")}) VALUES (${values.join(", ")})
ON CONFLICT (email) DO UPDATE SET
  password_hash = excluded.password_hash, role = 'admin', disabled_at = NULL, updated_at = excluded.updated_at
RETURNING created_at = ${row.created_at} AS created;`;
}

/** Runs the statement on this machine's database. @returns whether the account is new */
export async function makeAdmin(admin: NewAdmin, db: D1Database): Promise<{ created: boolean }> {
  const row = await db.prepare(await adminStatement(admin)).first<{ created: number }>();
  return { created: row?.created !== 0 };
}

/**
 * Runs the statement on the deployed database. That says nothing of the account, which counts as new.
 * @param config the shop's configuration, as `npm run deploy` wrote it
 */
export async function makeRemoteAdmin(admin: NewAdmin, config: string): Promise<{ created: boolean }> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-admin-"));
  const file = join(directory, "admin.sql");
  try {
    // In a private file, because everybody on the machine can read a process's arguments.
    writeFileSync(file, await adminStatement(admin), { mode: 0o600 });
    await runWrangler(
      ["d1", "execute", "DB", "--config", config, "--remote", "--yes", "--json", "--file", file],
      directory,
    );
    return { created: true };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const sqlText = (value: string): string => `'${value.replaceAll("'", "''")}'`;
