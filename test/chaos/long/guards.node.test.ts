import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FAULTS } from "../faults.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url).href);
const vitest = fileURLToPath(new URL("../../../node_modules/vitest/vitest.mjs", import.meta.url).href);

/** Runs one test of a suite, with a guard of the protocol taken out or with all of them in place. */
function runTest(
  suite: string,
  name: string,
  fault: string,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [vitest, "run", "--config", "test/vitest.config.ts", `test/chaos/${suite}`, "-t", name, "--bail=1"],
      { cwd: root, env: { ...process.env, PLANTED_FAULT: fault, NO_COLOR: "1" }, timeout: 240_000 },
    );
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

test.each(Object.entries(FAULTS))(
  "without its guard (%s) the protocol fails",
  { timeout: 300_000 },
  async (name, fault) => {
    const { code, output } = await runTest(fault.suite ?? "death.test.ts", fault.caughtBy, name);
    expect(code, output).toBe(1);
    // By a test that ran and failed: not because nothing could be started.
    expect(output).toMatch(/Tests\s+1 failed/);
    expect(output).toMatch(/AssertionError|not placed: 409/);
  },
);
