import { applyD1Migrations, type D1Migration, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";

declare global {
  namespace Cloudflare {
    interface Env {
      MIGRATIONS: D1Migration[];
    }
  }
}

/**
 * What makes an empty database one that is migrated, in one statement for SQLite: what the migrations left of tables,
 * indexes and triggers, in the order they were made, and the rows that they wrote, by their own words. Migrating anew
 * took three quarters of what a test costs before it begins: it makes and drops what is not there in the end, and D1
 * answers each of 230 statements. test/platform/migrated.test.ts holds the two against each other.
 */
let copy: string | undefined;

/** All storage is empty, and D1 migrated. */
export async function startAnew(): Promise<void> {
  // Seen on a busy machine: the first reset after a long file leaves D1 as it was. The next one does not.
  for (let attempt = 0; attempt < 5; attempt++) {
    await reset();
    if (await migrated()) return;
  }
  throw new Error("the storage of the test before is still there");
}

/** False if D1 was not empty. */
async function migrated(): Promise<boolean> {
  if (copy === undefined) {
    if ((await env.DB.prepare("SELECT 1 FROM sqlite_master WHERE name = 'd1_migrations'").first()) !== null) {
      return false;
    }
    await applyD1Migrations(env.DB, [AT_ONCE]);
    copy = await copyOf(env.DB);
    return true;
  }
  try {
    await env.DB.prepare(copy).run();
    return true;
  } catch (error) {
    if (/already exists/.test(String(error))) return false;
    throw error;
  }
}

/** As it is written down in each database: that it was migrated. */
const AT_ONCE: D1Migration = { name: "all", queries: env.MIGRATIONS.flatMap(({ queries }) => queries) };
const WRITTEN_DOWN = `INSERT INTO d1_migrations (name) VALUES ('${AT_ONCE.name}')`;

async function copyOf(db: D1Database): Promise<string> {
  const { results } = await db
    .prepare("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    .all<{ type: string; name: string; sql: string }>();
  // A virtual table makes its own: `product_index_data` comes with `product_index`. SQLite and D1 make some too.
  const virtual = results.filter(({ sql }) => sql.startsWith("CREATE VIRTUAL TABLE"));
  const theirs = ["sqlite_", "_cf_", ...virtual.map(({ name }) => `${name}_`)];
  const made = results.filter(
    ({ type, name }) => type !== "table" || !theirs.some((start) => name.startsWith(start)),
  );
  const filled: string[] = [];
  for (const { type, name } of made) {
    if (type !== "table" || name === "d1_migrations" || virtual.some((one) => one.name === name)) continue;
    if ((await db.prepare(`SELECT 1 FROM "${name}" LIMIT 1`).first()) !== null) filled.push(name);
  }
  const inserts = AT_ONCE.queries.flatMap((query) => {
    const table = INSERT.exec(query)?.[1] ?? "";
    if (!filled.includes(table)) return [];
    return table === DERIVED ? [`INSERT INTO ${DERIVED} (id, until) VALUES (1, 0)`] : [query];
  });
  // SQLite keeps what stands before a semicolon, so nothing is put there.
  return [...made.map(({ sql }) => sql), ...inserts, WRITTEN_DOWN]
    .map((statement) => statement.trim().replace(/;$/, ""))
    .join(";\n");
}

/** Its row was once made from a table that a later migration took away. */
const DERIVED = "figures_added_up";

/** The table that a migration's statement writes rows to. Comments may stand before it. */
const INSERT = /^(?:\s|--.*\n)*INSERT INTO [`"]?(\w+)/;
