import { defineCommand, runMain } from "citty";
import { z } from "zod";
import { connect, shopOptions, shopUrl } from "./admin-api.ts";
import type { Api } from "./api.ts";
import { commandOf } from "./command.ts";

const deadLetter = z.object({
  id: z.string(),
  task: z.string(),
  attempts: z.number(),
  error: z.string().nullable(),
  last_at: z.string(),
});
const retried = z.object({ retried: z.number() });

async function list(api: Api): Promise<void> {
  const deadLetters = await api.list("/dead-letters", deadLetter);
  for (const { id, task, attempts, error, last_at } of deadLetters) {
    console.log(`${id}  ${task}  ${attempts} attempts  ${last_at}  ${(error ?? "").split("\n")[0]}`);
  }
  console.log(`${deadLetters.length} dead letters`);
}

async function retry(api: Api, { all, id }: { all: boolean; id: string | undefined }): Promise<void> {
  if (all === (id !== undefined)) throw new Error("Say --all, or --id and which.");
  const path = id === undefined ? "/dead-letters/retry" : `/dead-letters/${encodeURIComponent(id)}/retry`;
  console.log(`${(await api.post(path, undefined, retried)).retried} retried`);
}

async function drop(api: Api, id: string): Promise<void> {
  await api.delete(`/dead-letters/${encodeURIComponent(id)}`);
  console.log(`${id} dropped`);
}

const apiOf = ({ url, token }: { url?: string; token?: string }): Promise<Api> =>
  connect({ url: shopUrl(url), token });

const retryOptions = {
  all: { type: "boolean", default: false, description: "All that can be" },
  id: { type: "string", description: "Only this one" },
  ...shopOptions,
} as const;

const dropOptions = {
  id: { type: "string", required: true, description: "Which" },
  ...shopOptions,
} as const;

await runMain(
  defineCommand({
    meta: { name: "npm run dead-letters --", description: "Work that was given up after its last attempt" },
    subCommands: {
      list: commandOf("list", "Shows it, newest first", shopOptions, async (args) => list(await apiOf(args))),
      retry: commandOf("retry", "Tries it again", retryOptions, async (args) =>
        retry(await apiOf(args), { all: args.all, id: args.id }),
      ),
      drop: commandOf(
        "drop",
        "Ends one for good, where neither stock nor money hangs on it",
        dropOptions,
        async (args) => drop(await apiOf(args), args.id),
      ),
    },
  }),
);
