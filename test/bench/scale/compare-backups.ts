import { createHash } from "node:crypto";
import type { BackupReader } from "../../../src/cli/restore-shop.ts";
import { STOCK_FILE } from "../../../src/cli/save-shop.ts";

/** Who signs in while the shop is restored and saved is added to these: all that was there must still be. */
const GROWS = ["tables/sessions.jsonl", "tables/refresh_tokens.jsonl"];

/** What is compared of a set of rows: how many there are, and a sum over all of their contents in whatever order. */
interface Contents {
  rows: number;
  sum: bigint;
}

/** Says in what two backups differ; no line when they are the same. */
export async function compareBackups(one: BackupReader, other: BackupReader): Promise<string[]> {
  const [expected, found] = [await contentsOf(one), await contentsOf(other)];
  const names = new Set([...expected.keys(), ...found.keys()]);
  const differences = [...names].flatMap((name) => {
    const [left, right] = [expected.get(name), found.get(name)];
    if (left?.rows !== right?.rows) return [`${name}: ${left?.rows ?? 0} rows, then ${right?.rows ?? 0}`];
    return left?.sum === right?.sum ? [] : [`${name}: the rows are not the same`];
  });
  return [...differences, ...(await lostRows(one, other))];
}

async function contentsOf({ manifest, rows }: BackupReader): Promise<Map<string, Contents>> {
  const all = new Map<string, Contents>();
  for (const { name } of manifest.files) {
    if (GROWS.includes(name)) continue;
    for await (const row of rows(name)) {
      const set = name === STOCK_FILE ? `${name} ${row.table}` : name;
      const contents = all.get(set) ?? { rows: 0, sum: 0n };
      contents.rows++;
      contents.sum += digestOf(name === STOCK_FILE ? stockRow(row) : row);
      all.set(set, contents);
    }
  }
  return all;
}

/** A restored object begins a new epoch and reports anew; of its own row only the version must be the same. */
function stockRow({ product, table, row }: Record<string, unknown>): Record<string, unknown> {
  const cells = row as Record<string, unknown>;
  return table === "meta" ? { product, version: cells.version } : { product, ...cells };
}

/** The same for whatever order of the columns. A column that is null may as well not be there. */
function textOf(row: Record<string, unknown>): string {
  const names = Object.keys(row)
    .filter((name) => row[name] !== null)
    .sort();
  return JSON.stringify(names.map((name) => [name, row[name]]));
}

const digestOf = (row: Record<string, unknown>): bigint =>
  createHash("sha256").update(textOf(row)).digest().readBigUInt64BE();

async function lostRows(one: BackupReader, other: BackupReader): Promise<string[]> {
  const lost: string[] = [];
  for (const name of GROWS) {
    const there = new Set<string>();
    for await (const row of other.rows(name)) there.add(textOf(row));
    for await (const row of one.rows(name)) if (!there.has(textOf(row))) lost.push(`${name}: a row is lost`);
  }
  return lost;
}
