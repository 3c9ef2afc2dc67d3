import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { newUserRow } from "../accounts/new-user.ts";
import { hashPassword } from "../accounts/password.ts";
import { systemIds } from "../platform/ids.ts";
import { runWrangler } from "./wrangler.ts";

export interface NewAdmin {
  email: string;
  name: string;
  password: string;
}

/** The database that `wrangler d1 execute` writes to: this machine's, or the deployed one. */
export type DatabasePlace = { kind: "local"; stateDir: string } | { kind: "remote" };

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

/** Runs the statement. @returns whether the account is new */
export async function makeAdmin(admin: NewAdmin, place: DatabasePlace): Promise<{ created: boolean }> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-admin-"));
  const file = join(directory, "admin.sql");
  try {
    // In a private file, because everybody on the machine can read a process's arguments.
    writeFileSync(file, await adminStatement(admin), { mode: 0o600 });
    const printed = await runWrangler(
      ["d1", "execute", "holdfast", ...placeArguments(place), "--yes", "--json", "--file", file],
      place.kind === "local" ? place.stateDir : directory,
    );
    return { created: returnedCreated(printed) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const placeArguments = (place: DatabasePlace): string[] =>
  place.kind === "local" ? ["--local", "--persist-to", place.stateDir] : ["--remote"];

const answerSchema = z.array(z.object({ results: z.array(z.object({ created: z.number().optional() })) }));

/** Against a remote database wrangler returns no rows; then the account counts as new. */
function returnedCreated(printed: string): boolean {
  const answer = answerSchema.safeParse(JSON.parse(printed));
  return !answer.success || answer.data[0]?.results[0]?.created !== 0;
}

const sqlText = (value: string): string => `'${value.replaceAll("'", "''")}'`;
