import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const source = fileURLToPath(new URL("../../src", import.meta.url).href);

/** The house from its roof down: imports point down this list, never up. */
const FLOORS = [
  "index.ts",
  "worker.ts",
  "app.ts",
  "queues.ts",
  "schedule.ts",
  "cli",
  "ops",
  "notifications",
  "payments",
  "carts",
  "orders",
  "inventory",
  "catalog",
  "accounts",
  "events",
  "platform",
];

interface Import {
  from: string;
  to: string;
}

const files = globSync("**/*.ts", { cwd: source }).filter((file) => !file.endsWith(".d.ts"));

const imports: Import[] = files
  .flatMap((from) =>
    [...readFileSync(join(source, from), "utf8").matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map(
      ([, to]) => ({ from, to: relative(source, join(source, dirname(from), to ?? "")) }),
    ),
  )
  .filter(({ to }) => !to.startsWith(".."));

const room = (file: string): string => file.split("/")[0] ?? file;
const floor = (file: string): number => FLOORS.indexOf(room(file));

test("every file is in a room of the house", () => {
  expect(files.filter((file) => floor(file) < 0)).toEqual([]);
});

test("imports point down the house, never up", () => {
  expect(imports.length).toBeGreaterThan(0);
  expect(imports.filter(({ from, to }) => floor(from) > floor(to))).toEqual([]);
});

test("what runs on Node imports nothing that only the Worker has", () => {
  const reached = new Set(files.filter((file) => room(file) === "cli"));
  for (const file of reached) {
    for (const { to } of imports.filter(({ from }) => from === file)) reached.add(to);
  }
  const workerOnly = [...reached].filter((file) =>
    /from "cloudflare:/.test(readFileSync(join(source, file), "utf8")),
  );
  expect(workerOnly).toEqual([]);
});
