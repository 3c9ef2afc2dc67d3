import type { Context } from "../context.ts";
import { sha256 } from "../ids.ts";
import { describeError } from "../log.ts";
import { withTimeout } from "../timeout.ts";
import { newAnswer } from "./answer.ts";
import type { Answer } from "./memory.ts";

/** If KV has not answered by then, the answer is made from D1 instead. */
const TIMEOUT_MS = 1_000;
const LIFETIME_SECONDS = 300;
/**
 * How long a Cloudflare location caches what it read from KV, also that there was nothing. The Cache API in front of KV
 * would save no further call: it keeps the same answers in the same place, and an isolate asks once for each.
 */
const EDGE_CACHE_SECONDS = 60;

/**
 * The Worker's version comes first, because another release may give its answers another shape and two releases may run
 * side by side. Cloudflare gives each upload of code or settings a version of its own.
 */
export const kvKeyOf = async ({ env }: Context, generation: string, key: string): Promise<string> =>
  `answers/${env.CF_VERSION_METADATA.id}/${generation}/${await sha256(key)}`;

/** The answer that another isolate made to the same question in the same generation. */
export async function readFromKv(context: Context, kvKey: string): Promise<Answer | null> {
  try {
    const { value, metadata } = await withTimeout(
      context.env.CACHE.getWithMetadata<{ etag: string }>(kvKey, {
        type: "arrayBuffer",
        cacheTtl: EDGE_CACHE_SECONDS,
      }),
      TIMEOUT_MS,
    );
    if (value === null || typeof metadata?.etag !== "string") return null;
    return newAnswer(new Uint8Array(value), metadata.etag);
  } catch (error) {
    context.log.warn("KV is broken: answered without", { error: describeError(error) });
    return null;
  }
}

/**
 * Writes an answer to KV for other isolates, after our own response was sent. It is called when an answer is used a second
 * time, so that what is asked only once, as by crawlers, costs no write. KV may refuse a write, as it takes one a second
 * for each key: then other isolates only make the answer themselves.
 */
export function writeToKv(context: Context, answer: Answer): void {
  const { pendingKvKey } = answer;
  if (pendingKvKey === null) return;
  answer.pendingKvKey = null;
  context.defer(put(context, pendingKvKey, answer));
}

async function put({ env, log }: Context, kvKey: string, { body, etag }: Answer): Promise<void> {
  try {
    const options = { expirationTtl: LIFETIME_SECONDS, metadata: { etag } };
    await withTimeout(env.CACHE.put(kvKey, body, options), TIMEOUT_MS);
  } catch (error) {
    log.warn("KV took no answer", { error: describeError(error) });
  }
}
