import { defineCommand, runMain } from "citty";
import { z } from "zod";
import { refuseUnknown } from "./known-options.ts";
import { stateDirectory } from "./local-settings.ts";
import { runWrangler } from "./wrangler.ts";

const answerSchema = z.array(
  z.object({
    results: z.array(z.record(z.string(), z.unknown())),
    meta: z.object({ changes: z.number().optional() }).optional(),
  }),
);

/** Runs SQL on this machine's D1, beside a running server too, and prints each statement's rows. */
async function execute(sql: string, json: boolean): Promise<void> {
  const stateDir = stateDirectory();
  const printed = await runWrangler(
    ["d1", "execute", "holdfast", "--local", "--persist-to", stateDir, "--yes", "--json", `--command=${sql}`],
    stateDir,
  );
  if (json) {
    console.log(printed.trim());
    return;
  }
  for (const { results, meta } of answerSchema.parse(JSON.parse(printed))) {
    if (results.length > 0) console.table(results);
    else console.log(`no rows, ${meta?.changes ?? 0} changed`);
  }
}

const options = {
  sql: { type: "positional", required: true, description: "One or more statements" },
  json: { type: "boolean", default: false, description: "Print what wrangler says" },
} as const;

await runMain(
  defineCommand({
    meta: { name: "npm run shell --", description: "SQL on this machine's data" },
    args: options,
    run: async ({ args }) => {
      try {
        refuseUnknown({ ...args, _: args._.slice(1) }, options);
        await execute(args.sql, args.json);
      } catch (error) {
        console.error(error instanceof Error ? error.message : String(error));
        process.exitCode = 1;
      }
    },
  }),
);
