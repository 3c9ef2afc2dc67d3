import type { Context } from "../context.ts";
import { sha256 } from "../ids.ts";
import { describeError } from "../log.ts";
import { inTime } from "../patience.ts";
import { newAnswer } from "./answer.ts";
import type { Answer } from "./memory.ts";

/** A KV that has not answered by then is taken for broken: D1 answers as well. */
const PATIENCE_MS = 1_000;
/** Seconds. */
const LIFETIME = 300;
/**
 * Seconds for which a location keeps what it read, or did not find. The Cache API in front would keep the same answers in
 * the same place: counted, it saves no call that this does not, and an isolate asks once for each answer of a generation.
 */
const LOCAL_LIFETIME = 60;

/**
 * The Worker's version comes first: another release may give its answers another shape, and two may run side by side.
 * Cloudflare gives each upload of code or settings a version of its own.
 */
export const sharedName = async ({ env }: Context, generation: string, key: string): Promise<string> =>
  `answers/${env.CF_VERSION_METADATA.id}/${generation}/${await sha256(key)}`;

/** What another isolate made of the same question, in the same generation. */
export async function readShared(context: Context, name: string): Promise<Answer | null> {
  try {
    const { value, metadata } = await inTime(
      context.env.CACHE.getWithMetadata<{ etag: string }>(name, {
        type: "arrayBuffer",
        cacheTtl: LOCAL_LIFETIME,
      }),
      PATIENCE_MS,
    );
    if (value === null || typeof metadata?.etag !== "string") return null;
    return newAnswer(new Uint8Array(value), metadata.etag);
  } catch (error) {
    context.log.warn("KV is broken: answered without", { error: describeError(error) });
    return null;
  }
}

/**
 * Puts an answer where other isolates find it, after our own. Called when an answer is used again: what is asked only
 * once, as by crawlers, costs no write. KV takes one write a second of a name, and nothing hangs on any of them.
 */
export function share(context: Context, answer: Answer): void {
  const name = answer.unshared;
  if (name === null) return;
  answer.unshared = null;
  context.defer(putShared(context, name, answer));
}

async function putShared({ env, log }: Context, name: string, { body, etag }: Answer): Promise<void> {
  try {
    const options = { expirationTtl: LIFETIME, metadata: { etag } };
    await inTime(env.CACHE.put(name, body, options), PATIENCE_MS);
  } catch (error) {
    log.warn("KV took no answer", { error: describeError(error) });
  }
}
