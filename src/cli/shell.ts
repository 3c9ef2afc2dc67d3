import { runMain } from "citty";
import { z } from "zod";
import { commandOf } from "./command.ts";
import { stateDirectory } from "./local-settings.ts";
import { runWrangler } from "./wrangler.ts";

const answerSchema = z.array(
  z.object({
    results: z.array(z.record(z.string(), z.unknown())),
    meta: z.object({ changes: z.number().optional() }).optional(),
  }),
);

/** Runs SQL on this machine's D1 and prints each statement's rows. A server may run at the same time. */
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
  commandOf("npm run shell --", "SQL on this machine's data", options, (args) =>
    execute(args.sql, args.json),
  ),
);
