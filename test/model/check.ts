import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Row } from "./rows.ts";

/** A row with what the search found. */
export interface Finding extends Row {
  states: number;
  seconds: number;
  verdict: "holds" | "fails" | "unknown";
  /** Why the verdict is unknown; else empty. */
  detail: string;
}

/** Longer than any path: a search that is cut off here proves nothing. */
const MAX_DEPTH = 20_000;
const MAX_MEGABYTES = 4_000;
const MAX_MILLISECONDS = 300_000;
/** No infinite run: searched for by spin's own claim, so it has no formula in the models. */
const REST = "comes_to_rest";

const here = fileURLToPath(new URL(".", import.meta.url).href);

/** The tools that are missing, by their names, which are those of Debian's packages too. */
export const missingTools = (): string[] =>
  ["spin", "gcc"].filter((tool) => spawnSync(tool, ["--version"]).error !== undefined);

/** Checks all rows, `atOnce` at a time; rows of one scene share their verifier. Reports in the order of the rows. */
export async function check(rows: Row[], atOnce: number): Promise<Finding[]> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-model-"));
  try {
    const verifiers = new Map<string, Promise<string>>();
    const findings: Finding[] = [];
    const waiting = rows.entries();
    const lane = async () => {
      for (const [index, row] of waiting) findings[index] = await checkRow(directory, verifiers, row);
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    return findings;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function checkRow(
  directory: string,
  verifiers: Map<string, Promise<string>>,
  row: Row,
): Promise<Finding> {
  const started = performance.now();
  try {
    const key = [row.model, ...row.flags, row.property === REST ? "rest" : ""].join(" ");
    const verifier =
      verifiers.get(key) ?? makeVerifier(join(directory, String(verifiers.size)), row, row.property === REST);
    verifiers.set(key, verifier);
    const at = await verifier;
    const goal = row.property === REST ? ["-l"] : ["-N", row.property];
    const output = await run(join(at, "pan"), [`-m${MAX_DEPTH}`, ...goal], at);
    return { ...row, ...judge(output, row.property), seconds: (performance.now() - started) / 1_000 };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ...row, states: 0, seconds: (performance.now() - started) / 1_000, verdict: "unknown", detail };
  }
}

async function makeVerifier(directory: string, { model, flags }: Row, rest: boolean): Promise<string> {
  mkdirSync(directory);
  copyFileSync(join(here, `${model}.pml`), join(directory, "model.pml"));
  await run("spin", ["-a", ...flags.map((flag) => `-D${flag}`), "model.pml"], directory);
  const search = rest ? ["-DNP", "-DNOCLAIM"] : ["-DSAFETY"];
  await run("gcc", ["-O1", "-w", `-DMEMLIM=${MAX_MEGABYTES}`, ...search, "-o", "pan", "pan.c"], directory);
  return directory;
}

/** What a verifier's output says. Only a complete search shows that a property holds, and only its own violation that it fails. */
function judge(output: string, property: string): Pick<Finding, "states" | "verdict" | "detail"> {
  const states = Math.round(Number(/([\d.e+]+) states, stored/.exec(output)?.[1] ?? 0));
  const errors = Number(/errors: (\d+)/.exec(output)?.[1] ?? Number.NaN);
  const trouble = /^(?:pan:\d+:|error:|pan: reached|.*max search depth).*$/m.exec(output)?.[0] ?? "";
  const broken =
    property === REST ? trouble.includes("non-progress cycle") : /assertion violated\s+!\(/.test(trouble);
  if (errors === 1 && broken) return { states, verdict: "fails", detail: "" };
  const complete = trouble === "" && !output.includes("Search not completed");
  if (errors === 0 && complete && states > 0) return { states, verdict: "holds", detail: "" };
  return { states, verdict: "unknown", detail: trouble || output.slice(0, 500) };
}

/** Runs a tool to its end; throws when it fails. A verifier that found an error does not fail by that. */
function run(command: string, parameters: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { cwd, timeout: MAX_MILLISECONDS });
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0 && signal === null) resolve(output);
      else reject(new Error(`${command} ended with ${signal ?? code}: ${output.slice(0, 500)}`));
    });
  });
}
