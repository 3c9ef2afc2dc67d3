import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { initialise } from "../../src/inventory/object/schema.ts";
import { nodeSql } from "../inventory/node-sql.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/STORAGE.md"), "utf8");

test("docs/STORAGE.md names all that the migrations make in D1, and nothing else", () => {
  const db = new DatabaseSync(":memory:");
  const folder = join(root, "migrations");
  const migrations = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  for (const name of migrations.sort()) db.exec(readFileSync(join(folder, name), "utf8"));
  expect(documented("D1")).toEqual(migrated(db));
});

test("docs/STORAGE.md names all that a Stock object stores, and nothing else", () => {
  const db = new DatabaseSync(":memory:");
  initialise({ sql: nodeSql(db), now: 0 }, "prd_1", 0);
  expect(documented("Stock")).toEqual(migrated(db));
});

/** What a part of the page says there is, a line each: `index orders_due: orders (expires_at) WHERE …`. Sorted. */
function documented(part: string): string[] {
  const [, text = ""] = page.split(`\n## ${part}\n`);
  const [lines = ""] = text.split("\n## ");
  let kind = "";
  const said: string[] = [];
  for (const line of lines.split("\n")) {
    const cells = /^\| (.*) \|$/.exec(line)?.[1]?.split(" | ") ?? [];
    const [first = "", second = ""] = cells;
    if (["table", "index", "trigger", "view"].includes(first)) kind = first;
    const name = /^`(\w+)`$/.exec(first)?.[1];
    if (name === undefined) continue;
    const about = [...second.matchAll(/`([^`]+)`/g)].map(([, code]) => code).join(", ");
    said.push(kind === "view" ? `view ${name}` : `${kind} ${name}: ${about}`);
    if (line.endsWith("| |")) throw new Error(`nothing is said of ${name}`);
  }
  return said.sort();
}

/** The same of a database. */
function migrated(db: DatabaseSync): string[] {
  const tables = db
    .prepare(
      `SELECT t.name, (SELECT group_concat(c.name, ', ' ORDER BY c.pk) FROM pragma_table_info(t.name) AS c WHERE c.pk > 0) AS key
       FROM pragma_table_list AS t
       WHERE t.schema = 'main' AND t.type IN ('table', 'virtual') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
    )
    .all()
    .map(({ name, key }) => `table ${name}: ${key ?? ""}`);
  const others = db
    .prepare("SELECT type, name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL")
    .all()
    .map(({ type, name, sql }) =>
      type === "view" ? `view ${name}` : `${type} ${name}: ${aboutOf(String(sql))}`,
    );
  return [...tables, ...others].sort();
}

/** Of an index its table, columns and condition; of a trigger when it acts. */
function aboutOf(sql: string): string {
  const text = sql.replaceAll(/[`"]/g, "").replaceAll(/\s+/g, " ");
  const [, moment] = /^CREATE TRIGGER \w+ ((?:AFTER|BEFORE|INSTEAD OF) .+? ON \w+)/.exec(text) ?? [];
  if (moment !== undefined) return moment;
  const [, table, columns = "", where = ""] = / ON (\w+) ?\((.+?)\)( WHERE .+)?$/.exec(text) ?? [];
  return `${table} (${columns.replaceAll(/, ?/g, ", ")})${where}`;
}
