import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unstable_splitSqlQuery as splitSql } from "wrangler";
import { declaredWorker, startMiniflare } from "./local-worker.ts";
import { projectRoot } from "./wrangler.ts";

/**
 * Opens this machine's D1, which is the one that `wrangler d1 … --local` opens, for as long as the work takes. A server
 * may run at the same time.
 */
export async function withLocalDatabase<T>(
  stateDir: string,
  work: (db: D1Database) => Promise<T>,
): Promise<T> {
  const { compatibilityDate, d1Databases } = declaredWorker().options;
  const miniflare = startMiniflare(stateDir, {
    name: "database",
    modules: true,
    script: "export default {}",
    ...{ compatibilityDate, d1Databases },
  });
  try {
    return await work((await miniflare.getD1Database("DB")) as unknown as D1Database);
  } finally {
    await miniflare.dispose();
  }
}

/** Applies the migrations that the database does not have yet, each as a whole, and notes them as wrangler does. */
export async function applyMigrations(db: D1Database): Promise<void> {
  await db.prepare(NOTED).run();
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  const directory = join(projectRoot, "migrations");
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith(".sql") || applied.has(file)) continue;
    const statements = splitSql(readFileSync(join(directory, file), "utf8")).map((sql) => db.prepare(sql));
    const note = db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(file);
    await db.batch([...statements, note]);
  }
}

/** As wrangler makes it. */
const NOTED = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;
