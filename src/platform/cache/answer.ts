import type { Context as HonoContext } from "hono";
import { isStaff } from "../actor.ts";
import type { AppEnv } from "../http/app-env.ts";
import { hasTag } from "../http/etag.ts";
import { API_HEADERS } from "../http/secure-headers.ts";
import { MAX_AGE_SECONDS, STALE_WHILE_REVALIDATE_SECONDS } from "./generation.ts";
import type { Answer } from "./memory.ts";

/** How long clients and proxies may repeat an answer. With `no-cache` they may keep it, but must revalidate each time. */
const CACHEABLE = `max-age=${MAX_AGE_SECONDS}, stale-while-revalidate=${STALE_WHILE_REVALIDATE_SECONDS}`;
const REVALIDATE = "no-cache";

export function newAnswer(
  body: Uint8Array,
  etag: string,
  { until = null, pendingKvKey = null }: { until?: number | null; pendingKvKey?: string | null } = {},
): Answer {
  const headers = new Headers({
    ...API_HEADERS,
    "Content-Type": "application/json",
    ETag: etag,
    "Cache-Control": `public, ${until === null ? CACHEABLE : REVALIDATE}`,
    // A browser must not show a member of staff, who always reads fresh, what it kept from before the sign-in.
    Vary: "Authorization",
  });
  return { body, etag, until, headers, pendingKvKey };
}

/** An answer whose body is the JSON of a T; or a 304. */
export class CachedAnswer<T> extends Response {
  declare readonly of: T;
}

/**
 * Sends the body, or 304 if the client has it already.
 * @param As the class of the response
 */
export function send<R extends Response>(
  c: HonoContext<AppEnv>,
  answer: Answer,
  As: new (body: BodyInit | null, init: ResponseInit) => R,
): R {
  const headers = headersFor(c, answer);
  const tags = c.req.header("If-None-Match");
  return tags !== undefined && hasTag(tags, answer.etag)
    ? new As(null, { status: 304, headers })
    : new As(answer.body, { headers });
}

function headersFor(c: HonoContext<AppEnv>, { headers, until }: Answer): Headers {
  const { actor } = c.get("context");
  if (actor.kind === "guest") return headers;
  const own = new Headers(headers);
  const kept = until === null ? CACHEABLE : REVALIDATE;
  own.set("Cache-Control", isStaff(actor) ? "private, no-store" : `private, ${kept}`);
  return own;
}
