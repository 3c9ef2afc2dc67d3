import { defineCommand, runMain } from "citty";
import { z } from "zod";
import { type Api, createApi } from "./api.ts";
import { refuseUnknown } from "./known-options.ts";
import { localToken, shopOptions, shopUrl } from "./local-token.ts";

const letter = z.object({
  id: z.string(),
  task: z.string(),
  attempts: z.number(),
  error: z.string().nullable(),
  last_at: z.string(),
});
const retried = z.object({ retried: z.number() });

interface ShopArgs {
  _: string[];
  url?: string;
  token?: string;
}

async function list(api: Api): Promise<void> {
  const letters = await api.list("/dead-letters", letter);
  for (const { id, task, attempts, error, last_at } of letters) {
    console.log(`${id}  ${task}  ${attempts} attempts  ${last_at}  ${(error ?? "").split("\n")[0]}`);
  }
  console.log(`${letters.length} dead letters`);
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

/** Runs against the shop that the options name; what goes wrong is one line and a 1. */
async function withShop(args: ShopArgs, known: object, work: (api: Api) => Promise<void>): Promise<void> {
  try {
    refuseUnknown({ ...args }, known);
    const url = shopUrl(args.url);
    await work(createApi(url, args.token ?? (await localToken(url))));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

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
      list: defineCommand({
        meta: { name: "list", description: "Shows it, newest first" },
        args: shopOptions,
        run: ({ args }) => withShop(args, shopOptions, list),
      }),
      retry: defineCommand({
        meta: { name: "retry", description: "Tries it again" },
        args: retryOptions,
        run: ({ args }) => withShop(args, retryOptions, (api) => retry(api, { all: args.all, id: args.id })),
      }),
      drop: defineCommand({
        meta: { name: "drop", description: "Ends one for good, where neither stock nor money hangs on it" },
        args: dropOptions,
        run: ({ args }) => withShop(args, dropOptions, (api) => drop(api, args.id)),
      }),
    },
  }),
);
