import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { isStaff } from "../actor.ts";
import type { Context } from "../context.ts";
import type { AppEnv } from "../http/app-env.ts";
import { type Problem, type ProblemAnswer, problem } from "../http/problem.ts";
import { sha256 } from "../ids.ts";
import { CachedAnswer, newAnswer, send } from "./answer.ts";
import { cachedGeneration, currentGeneration } from "./generation.ts";
import { kvKeyOf, readFromKv, writeToKv } from "./kv.ts";
import type { Answer, Memory } from "./memory.ts";
import { singleFlight } from "./single-flight.ts";

/** Larger answers are not kept. */
const MAX_BODY_BYTES = 262_144;
/** The key of a longer path and query is not kept. */
const MAX_ADDRESS_CHARACTERS = 2_000;

export interface Caching<T> {
  /** Names the route's answers: `products`. */
  name: string;
  /** The parsed question. Requests that ask for the same share one answer. */
  query: unknown;
  /** How many seconds an answer that shows stock may be repeated, 3 at most; otherwise until the catalogue changes. */
  seconds?: number | undefined;
  /** The ETag by which the thing is edited, made of its version; otherwise the ETag is a hash of the body. */
  etag?: (value: T) => string;
  /** The answer when `read` finds nothing, or how to find out which. */
  missing?: Problem | (() => Promise<Problem>);
  /** Headers for this client alone, such as those of a rate limit. They are not kept. */
  headers?: Record<string, string>;
}

/**
 * Answers a public GET with JSON: from the isolate's memory, from KV, or by `read`, which runs once for all requests that
 * ask at the same time. Staff always get a fresh answer, which is not kept. What `read` returns must depend on `query`
 * alone, never on who asks. Null and failures are not kept.
 */
export async function cached<T>(
  c: HonoContext<AppEnv>,
  caching: Caching<T>,
  read: () => Promise<T | null>,
): Promise<CachedAnswer<T> | ProblemAnswer> {
  const context = c.get("context");
  const answer = isStaff(context.actor)
    ? await render(caching, await read())
    : await findOrMake(context, c.get("memory"), caching, read, addressOf(c));
  if (!answer) {
    const { missing = NOTHING } = caching;
    return problem(c, typeof missing === "function" ? await missing() : missing, caching.headers);
  }
  const response = send(c, answer, CachedAnswer<T>);
  for (const [name, value] of Object.entries(caching.headers ?? {})) response.headers.set(name, value);
  return response;
}

/**
 * A part of a cached answer that may be kept longer than the whole. It is the answer to another query, and is shared with
 * it. For staff it is read fresh.
 */
export async function cachedPart<T>(
  c: HonoContext<AppEnv>,
  caching: Pick<Caching<T>, "name" | "query">,
  read: () => Promise<T | null>,
): Promise<T | null> {
  const context = c.get("context");
  if (isStaff(context.actor)) return read();
  const answer = await findOrMake(context, c.get("memory"), caching, read);
  return answer && JSON.parse(new TextDecoder().decode(answer.body));
}

const NOTHING: Problem = { status: 404, code: "not_found", detail: "There is nothing here." };

/**
 * Middleware before the validation of a cached route: if the memory has the answer to this very path and query, it is
 * sent without parsing the query again. It must stand behind the middleware that decides who may ask.
 */
export const answerFromMemory: MiddlewareHandler<AppEnv> = async (c, next) => {
  const context = c.get("context");
  if (isStaff(context.actor)) return next();
  const memory = c.get("memory");
  const key = memory.addresses.get(addressOf(c));
  const generation = key === undefined ? null : cachedGeneration(context, memory);
  const answer = generation === null ? null : findInMemory(context, memory, `${generation} ${key}`);
  if (!answer) return next();
  c.set("fromMemory", true);
  return send(c, answer, Response);
};

/** Middleware of every route that changes public data: this isolate then shows its own change at once. */
export const invalidateGeneration: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  if (c.req.method !== "GET" && c.req.method !== "HEAD") c.get("memory").invalidateGeneration();
};

/** Path and query as they came. No answer depends on the host. */
const addressOf = ({ req }: HonoContext<AppEnv>): string => req.url.slice(req.url.indexOf("/", 8));

const keyOf = ({ name, query }: Pick<Caching<unknown>, "name" | "query">): string =>
  `${name} ${JSON.stringify(query, sortKeys)}`;

/** @param address whose key is kept for `answerFromMemory` */
async function findOrMake<T>(
  context: Context,
  memory: Memory,
  caching: Caching<T>,
  read: () => Promise<T | null>,
  address?: string,
): Promise<Answer | null> {
  const key = keyOf(caching);
  if (address && address.length <= MAX_ADDRESS_CHARACTERS) memory.addresses.set(address, key);
  const generation = await currentGeneration(context, memory);
  const name = `${generation} ${key}`;
  return (
    findInMemory(context, memory, name) ??
    (await singleFlight(context, memory, name, () => make(context, memory, caching, generation, key, read)))
  );
}

/** A replacer for JSON.stringify: equal objects get equal texts, in whatever order their keys were set. */
const sortKeys = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value;

/** The answer that the memory has, unless it is too old. */
function findInMemory(context: Context, memory: Memory, name: string): Answer | null {
  const answer = memory.answers.get(name);
  if (!answer || (answer.until !== null && answer.until <= context.clock.now())) return null;
  if (answer.pendingKvKey !== null) writeToKv(context, answer);
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
  // A request that waited in vain for one may find that another has made the answer meanwhile.
  const found = findInMemory(context, memory, `${generation} ${key}`);
  if (found) return found;
  const { seconds } = caching;
  const until = seconds === undefined ? null : context.clock.now() + seconds * 1000;
  const pendingKvKey = until === null ? await kvKeyOf(context, generation, key) : null;
  const answer =
    (pendingKvKey && (await readFromKv(context, pendingKvKey))) ||
    (await render(caching, await read(), { until, pendingKvKey }));
  if (answer && answer.body.byteLength <= MAX_BODY_BYTES) memory.answers.set(`${generation} ${key}`, answer);
  return answer;
}

async function render<T>(
  { etag }: Caching<T>,
  value: T | null,
  keeping: { until?: number | null; pendingKvKey?: string | null } = {},
): Promise<Answer | null> {
  if (value === null) return null;
  const text = JSON.stringify(value);
  const tag = etag ? etag(value) : `"${(await sha256(text)).slice(0, 32)}"`;
  return newAnswer(new TextEncoder().encode(text), tag, keeping);
}
