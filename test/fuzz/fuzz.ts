import { defineCommand, runMain } from "citty";
import { removeState, startServer } from "../support/server.ts";
import { driftOf, type FuzzReport, fuzz } from "./run.ts";

/** No answer may take so many times as long as the middle one of its operation, where it took this long at all. */
const TIMES = 30;
const FLOOR_MS = 500;

/** What took too long: a request that makes the shop work many times as hard as a plain one. */
function tooLong({ answers }: FuzzReport): string[] {
  return [...Map.groupBy(answers, ({ name }) => name)].flatMap(([, all]) => {
    const sorted = all.map(({ took }) => took).toSorted((one, other) => one - other);
    const bound = Math.max(FLOOR_MS, TIMES * (sorted[Math.floor(sorted.length / 2)] ?? 0));
    return all
      .filter(({ took }) => took > bound)
      .map(
        ({ took, request }) => `${took.toFixed(0)} ms, where ${bound.toFixed(0)} is the bound: ${request}`,
      );
  });
}

/** What a long run should come to, of each operation. */
const OFTEN = 50;

function print(report: FuzzReport, seed: number): void {
  console.log(`${report.requests} requests, seed ${seed}`);
  const counts = [...report.successes].toSorted(([, one], [, other]) => one - other);
  const often = counts.filter(([, times]) => times >= OFTEN).length;
  const all = report.operations;
  console.log(
    `${counts.length} of ${all} operations succeeded, ${often} of them ${OFTEN} times or more; the rarest:`,
  );
  for (const [name, times] of counts.slice(0, 10)) console.log(`  ${times}  ${name}`);
  console.log("The longest:");
  for (const { took, request } of report.answers.toSorted((one, other) => other.took - one.took).slice(0, 10))
    console.log(`  ${took.toFixed(0)} ms  ${request.slice(0, 120)}`);
  for (const { fault, request } of report.found) console.error(`${fault}\n    ${request}`);
}

async function run(requests: number, seed: number): Promise<void> {
  const server = await startServer({ env: { LOOKUPS_PER_MINUTE: "0" } });
  try {
    const adminToken = await server.adminToken();
    const report = await fuzz({ url: server.url, adminToken, requests, seed });
    print(report, seed);
    const drift = await driftOf(server.url, adminToken);
    console.log(`drift: ${JSON.stringify(drift)}`);
    const late = tooLong(report);
    for (const one of late) console.error(one);
    if (late.length > 0) process.exitCode = 1;
    if (report.found.length > 0 || Object.keys(drift).length > 0) process.exitCode = 1;
  } finally {
    await server.stop();
    removeState(server.stateDir);
  }
}

await runMain(
  defineCommand({
    meta: {
      name: "npm run fuzz --",
      description: "Requests made of the API's document, good and bad, to a real server",
    },
    args: {
      requests: { type: "string", default: "20000", description: "How many" },
      seed: {
        type: "string",
        default: `${Date.now() % 1_000_000}`,
        description: "The same seed sends the same",
      },
    },
    run: ({ args }) => run(Number(args.requests), Number(args.seed)),
  }),
);
