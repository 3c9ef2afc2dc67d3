/**
 * Checks the protocol's model with spin: every property in every scene, and that each planted fault breaks its own.
 * Prints a table, and exits 1 when one row is not as expected. `npm run model`.
 */
import { availableParallelism } from "node:os";
import { check, missingTools } from "./check.ts";
import { ROWS } from "./rows.ts";

const missing = missingTools();
if (missing.length > 0) {
  console.error(`not installed: ${missing.join(", ")}. On Debian: apt-get install ${missing.join(" ")}`);
  process.exit(1);
}

const started = performance.now();
const findings = await check(ROWS, availableParallelism());
const wrong = findings.filter((finding) => finding.verdict !== finding.expected);

const line = (...cells: string[]) => {
  const [model = "", property = "", scene = "", fault = "", states = "", seconds = "", verdict = ""] = cells;
  const left = [model.padEnd(11), property.padEnd(18), scene.padEnd(15), fault.padEnd(20)];
  console.log([...left, states.padStart(10), seconds.padStart(8), ` ${verdict}`].join(" "));
};
line("model", "property", "scene", "planted fault", "states", "seconds", "verdict");
for (const { verdict, expected, ...finding } of findings) {
  const scene = finding.flags.filter((flag) => flag !== finding.fault).join(" ");
  const cells = [finding.model, finding.property, scene, finding.fault ?? ""];
  const outcome = verdict === expected ? verdict : `${verdict}, expected ${expected} ${finding.detail}`;
  line(...cells, finding.states.toLocaleString("en"), finding.seconds.toFixed(1), outcome);
}

const states = findings.reduce((sum, finding) => sum + finding.states, 0);
const seconds = Math.round((performance.now() - started) / 1_000);
console.log(
  `${findings.length} searches, ${states.toLocaleString("en")} states, ${seconds} s, ${wrong.length} wrong`,
);
process.exit(wrong.length === 0 ? 0 : 1);
