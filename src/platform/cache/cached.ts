import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { isStaff } from "../actor.ts";
import type { AppEnv } from "../app-env.ts";
import type { Context } from "../context.ts";
import { sha256 } from "../ids.ts";
import { type Problem, type ProblemAnswer, problem } from "../problem.ts";
import { newAnswer, Remembered, send } from "./answer.ts";
import { currentGeneration, rememberedGeneration } from "./generation.ts";
import type { Answer, Memory } from "./memory.ts";
import { oneForAll } from "./one-for-all.ts";
import { readShared, share, sharedName } from "./shared.ts";

/** What is larger is made anew each time; bytes. */
const LARGEST = 262_144;
/** What is longer is read anew each time; characters of path and query. */
const LONGEST_ADDRESS = 2_000;

export interface Caching<T> {
  /** Of the route's answers: `products`. */
  name: string;
  /** What was asked, as it was understood: two that ask for the same are one answer. */
  query: unknown;
  /** Where stock comes into it: how old it may be, in seconds, 3 at most. Else it stands until the catalogue changes. */
  seconds?: number | undefined;
  /** Where edits go by the answer's ETag: a thing's version. Else it is the bytes' own. */
  etag?: (value: T) => string;
  /** What is said where there is nothing. */
  missing?: Problem;
  /** On this answer alone: what a limit says to who asks. */
  headers?: Record<string, string>;
}

/**
 * Answers a public GET with JSON: from the isolate's memory, from KV, or else by `read`, which runs once for all who
 * ask at once. Staff always read fresh, and what they see is kept by nobody. `read` must make the same for everyone:
 * nothing of it may hang on who asks, nor on the request but through `query`. Null, and what fails, is not kept.
 */
export async function cached<T>(
  c: HonoContext<AppEnv>,
  caching: Caching<T>,
  read: () => Promise<T | null>,
): Promise<Remembered<T> | ProblemAnswer> {
  const context = c.get("context");
  const answer = isStaff(context.actor)
    ? await render(caching, await read())
    : await recallFor(c, context, c.get("memory"), caching, read);
  if (!answer) return problem(c, caching.missing ?? NOTHING, caching.headers);
  const response = send(c, answer, Remembered<T>);
  for (const [name, value] of Object.entries(caching.headers ?? {})) response.headers.set(name, value);
  return response;
}

/**
 * What a cached answer is made from that stands longer than itself: the same as the answer of another query would be,
 * and shared with it. To staff it is read fresh.
 */
export async function cachedPart<T>(
  c: HonoContext<AppEnv>,
  caching: Pick<Caching<T>, "name" | "query">,
  read: () => Promise<T>,
): Promise<T> {
  const context = c.get("context");
  if (isStaff(context.actor)) return read();
  const answer = await recall(context, c.get("memory"), caching, keyOf(caching), read);
  return answer ? JSON.parse(new TextDecoder().decode(answer.body)) : read();
}

const NOTHING: Problem = { status: 404, code: "not_found", detail: "There is nothing here." };

/**
 * Before a cached route's own validation: an address that memory has the answer of is answered at once, without
 * reading its query again. Behind whatever decides who may ask.
 */
export const remembered: MiddlewareHandler<AppEnv> = async (c, next) => {
  const context = c.get("context");
  if (isStaff(context.actor)) return next();
  const memory = c.get("memory");
  const key = memory.addresses.get(addressOf(c));
  const generation = key === undefined ? null : rememberedGeneration(context, memory);
  const answer = generation === null ? null : known(context, memory, `${generation} ${key}`);
  if (!answer) return next();
  c.set("repeated", true);
  return send(c, answer, Response);
};

/** Behind every write of what public answers show: this isolate goes by what it changed from then on. */
export const forgetGeneration: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  if (c.req.method !== "GET" && c.req.method !== "HEAD") c.get("memory").forgetGeneration();
};

/** Path and query, as they came; no host, of which no answer depends. */
const addressOf = ({ req }: HonoContext<AppEnv>): string => req.url.slice(req.url.indexOf("/", 8));

/** What its address comes to is remembered as well. */
function recallFor<T>(
  c: HonoContext<AppEnv>,
  context: Context,
  memory: Memory,
  caching: Caching<T>,
  read: () => Promise<T | null>,
): Promise<Answer | null> {
  const [key, address] = [keyOf(caching), addressOf(c)];
  if (address.length <= LONGEST_ADDRESS) memory.addresses.set(address, key);
  return recall(context, memory, caching, key, read);
}

const keyOf = ({ name, query }: Pick<Caching<unknown>, "name" | "query">): string =>
  `${name} ${JSON.stringify(query, inOrder)}`;

async function recall<T>(
  context: Context,
  memory: Memory,
  caching: Caching<T>,
  key: string,
  read: () => Promise<T | null>,
): Promise<Answer | null> {
  const generation = await currentGeneration(context, memory);
  const name = `${generation} ${key}`;
  return (
    known(context, memory, name) ??
    (await oneForAll(context, memory, name, () => make(context, memory, caching, generation, key, read)))
  );
}

/** Whichever way an object was put together, it reads the same. */
const inOrder = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value;

/** What memory has, if it may still be repeated. */
function known(context: Context, memory: Memory, name: string): Answer | null {
  const answer = memory.answers.get(name);
  if (!answer || (answer.until !== null && answer.until <= context.clock.now())) return null;
  if (answer.unshared !== null) share(context, answer);
  return answer;
}

async function make<T>(
  context: Context,
  memory: Memory,
  caching: Caching<T>,
  generation: string,
  key: string,
  read: () => Promise<T | null>,
): Promise<Answer | null> {
  // Who waited in vain for another may find that a third has made it meanwhile.
  const there = known(context, memory, `${generation} ${key}`);
  if (there) return there;
  const { seconds } = caching;
  const until = seconds === undefined ? null : context.clock.now() + seconds * 1000;
  const unshared = until === null ? await sharedName(context, generation, key) : null;
  const answer =
    (unshared && (await readShared(context, unshared))) ||
    (await render(caching, await read(), { until, unshared }));
  if (answer && answer.body.byteLength <= LARGEST) {
    memory.answers.set(`${generation} ${key}`, answer);
  }
  return answer;
}

async function render<T>(
  { etag }: Caching<T>,
  value: T | null,
  keeping: { until?: number | null; unshared?: string | null } = {},
): Promise<Answer | null> {
  if (value === null) return null;
  const text = JSON.stringify(value);
  const tag = etag ? etag(value) : `"${(await sha256(text)).slice(0, 32)}"`;
  return newAnswer(new TextEncoder().encode(text), tag, keeping);
}
