import type { Context as HonoContext } from "hono";
import { isStaff } from "../actor.ts";
import type { AppEnv } from "../app-env.ts";
import { hasTag } from "../etag.ts";
import { API_HEADERS } from "../secure-headers.ts";
import { MAX_AGE, STALE_WHILE_REVALIDATE } from "./generation.ts";
import type { Answer } from "./memory.ts";

/** How long others may repeat it. `no-cache` lets them keep it, and ask each time whether it is still so. */
const LASTING = `max-age=${MAX_AGE}, stale-while-revalidate=${STALE_WHILE_REVALIDATE}`;
const FLEETING = "no-cache";

export function newAnswer(
  body: Uint8Array,
  etag: string,
  { until = null, unshared = null }: { until?: number | null; unshared?: string | null } = {},
): Answer {
  const headers = new Headers({
    ...API_HEADERS,
    "Content-Type": "application/json",
    ETag: etag,
    "Cache-Control": `public, ${until === null ? LASTING : FLEETING}`,
    // What a browser kept of a guest's must not be shown to a member of staff, who reads fresh.
    Vary: "Authorization",
  });
  return { body, etag, until, headers, unshared };
}

/** An answer whose bytes were made of a T; or 304 to who has them. */
export class Remembered<T> extends Response {
  declare readonly of: T;
}

/**
 * The bytes, or 304 to who has them.
 * @param As what kind of response that is
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
  const kept = until === null ? LASTING : FLEETING;
  own.set("Cache-Control", isStaff(actor) ? "private, no-store" : `private, ${kept}`);
  return own;
}
