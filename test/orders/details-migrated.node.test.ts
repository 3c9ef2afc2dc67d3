import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { HISTORY_KINDS } from "../../src/orders/lifecycle.ts";

const folder = join(import.meta.dirname, "../../migrations");
const migrations = readdirSync(folder)
  .filter((name) => name.endsWith(".sql"))
  .sort();
const place = migrations.findIndex((name) => name.endsWith("_order_details.sql"));
const read = (name: string) => readFileSync(join(folder, name), "utf8");

test("a change of an address from before is one of details, and all else stays as it was", () => {
  const db = new DatabaseSync(":memory:");
  for (const name of migrations.slice(0, place)) db.exec(read(name));
  const kinds = [null, "transition", "address", "refund"];
  for (const [at, kind] of kinds.entries()) {
    db.prepare(
      `INSERT INTO order_history (order_id, version, from_status, to_status, at, actor, reason, operation, snapshot, kind)
       VALUES ('ord_1', ?, 'confirmed', 'confirmed', 5, 'guest', NULL, NULL, '{"total":1}', ?)`,
    ).run(at + 1, kind);
  }
  const rows = () => db.prepare("SELECT * FROM order_history ORDER BY version").all();
  const before = rows();
  db.exec(read(migrations[place] ?? ""));
  expect(rows()).toEqual(before.map((row) => (row.kind === "address" ? { ...row, kind: "details" } : row)));
  expect(rows().flatMap(({ kind }) => kind ?? [])).toSatisfy((found: string[]) =>
    found.every((kind) => (HISTORY_KINDS as readonly string[]).includes(kind)),
  );
});
