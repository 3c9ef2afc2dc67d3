import { runWrangler, WranglerFailed } from "./wrangler.ts";

/** What became of one thing that a deployment needs. */
export type Found = "found" | "made";

/** Runs a wrangler command on the account that wrangler is signed in to. */
export type Wrangler = (...args: string[]) => Promise<string>;

/** @param stateDir where wrangler may keep what it keeps */
export const wranglerOf =
  (stateDir: string): Wrangler =>
  (...args) =>
    runWrangler(args, stateDir);

/**
 * The D1 database of that name, made where there is none.
 * @param location where it is to be made, as `wrangler d1 create --location` takes it
 */
export async function findDatabase(
  wrangler: Wrangler,
  name: string,
  location: string | undefined,
): Promise<{ id: string; was: Found }> {
  const find = async () => {
    const databases: { name: string; uuid: string }[] = JSON.parse(await wrangler("d1", "list", "--json"));
    return databases.find((one) => one.name === name)?.uuid;
  };
  const place = location === undefined ? [] : ["--location", location];
  return findOrMake(`the database ${name}`, find, () => wrangler("d1", "create", name, ...place));
}

/** The KV namespace of that title, made where there is none. */
export async function findNamespace(wrangler: Wrangler, title: string): Promise<{ id: string; was: Found }> {
  const find = async () => {
    const namespaces: { title: string; id: string }[] = JSON.parse(await wrangler("kv", "namespace", "list"));
    return namespaces.find((one) => one.title === title)?.id;
  };
  const make = () => wrangler("kv", "namespace", "create", title);
  return findOrMake(`the KV namespace ${title}`, find, make);
}

/** https://developers.cloudflare.com/api/resources/queues/: the name is taken, which is what is wanted here. */
const QUEUE_IS_THERE = /\b11009\b|already (?:exists|taken)/i;

/** Makes a queue. wrangler lists queues for people only, so making is asked for, and a refusal says that it is there. */
export async function findQueue(wrangler: Wrangler, name: string): Promise<Found> {
  try {
    await wrangler("queues", "create", name);
    return "made";
  } catch (error) {
    if (error instanceof WranglerFailed && QUEUE_IS_THERE.test(error.message)) return "found";
    throw error;
  }
}

/** The names of the secrets that the Worker has; none where it was never deployed. */
export async function listSecrets(wrangler: Wrangler, worker: string): Promise<string[]> {
  try {
    const secrets: { name: string }[] = JSON.parse(
      await wrangler("secret", "list", "--name", worker, "--format", "json"),
    );
    return secrets.map(({ name }) => name);
  } catch (error) {
    if (error instanceof WranglerFailed && /not found|does not exist/i.test(error.message)) return [];
    throw error;
  }
}

/** wrangler prints a new id for people only, so what was made is looked for again. */
async function findOrMake(
  what: string,
  find: () => Promise<string | undefined>,
  make: () => Promise<unknown>,
): Promise<{ id: string; was: Found }> {
  const there = await find();
  if (there !== undefined) return { id: there, was: "found" };
  await make();
  const made = await find();
  if (made === undefined) throw new Error(`${what} was made, and is not listed: run this again.`);
  return { id: made, was: "made" };
}
