import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { findUnstorableText, nestsDeeper } from "../json-text.ts";
import type { AppEnv } from "./app-env.ts";
import { DEFAULT_NEEDS } from "./needs.ts";
import { invalidBody, type Problem, problem } from "./problem.ts";

/** Deeper than any body that a route accepts. Validating a much deeper one could exhaust the stack. */
const MAX_DEPTH = 64;

const BODILESS = new Set(["GET", "HEAD", "OPTIONS"]);
const JSON_TYPE = /^application\/(?:[a-z.-]+\+)?json(?:;\s*charset="?utf-8"?)?$/i;

export const invalidJson = (detail: string): Problem => ({ status: 400, code: "invalid_json", detail });

export const unsupportedMediaType: Problem = {
  status: 415,
  code: "unsupported_media_type",
  detail: "The body must be JSON in UTF-8, not compressed, with Content-Type: application/json.",
};

const tooLarge = (limit: number): Problem => ({
  status: 413,
  code: "body_too_large",
  detail: `The body must not be larger than ${limit} bytes.`,
  limit,
});

/**
 * Checks a body before any route sees it: JSON by its Content-Type, UTF-8, no larger than its route declares, not nested
 * too deep, and without text that the database would change, unless its route declares that it takes any. An empty body passes, since `POST …/cancel` needs none; a
 * route that needs one refuses it by its schema. Of a signed body only the size is checked: its route must first verify
 * the signature over the very bytes.
 */
export const bodyGuard: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (BODILESS.has(c.req.method)) return next();
  const { bodyLimit, guestBodyLimit, signedBody, anyText } = c.get("route")?.needs ?? DEFAULT_NEEDS;
  const isGuest = c.get("context").actor.kind === "guest";
  const limit = isGuest ? (guestBodyLimit ?? bodyLimit) : bodyLimit;
  if (Number(c.req.header("Content-Length") ?? 0) > limit) return problem(c, tooLarge(limit));
  const bytes = await readAtMost(c.req.raw, limit);
  if (!bytes) return problem(c, tooLarge(limit));
  if (bytes.length === 0) {
    dropBody(c);
    return next();
  }
  if (signedBody) {
    keepBody(c, "arrayBuffer", bytes.buffer);
    return next();
  }
  if (!isPlainJson(c)) return problem(c, unsupportedMediaType);
  const read = readText(bytes, anyText);
  if (read.kind === "unfit") return problem(c, read.problem);
  keepBody(c, "text", read.text);
  return next();
};

/**
 * Passes the body that was read on to the route, by Hono's own cache of bodies: Hono looks there first, and converts from
 * the form that it finds. A new Request with the same bytes would cost ten times as much.
 */
function keepBody(c: HonoContext<AppEnv>, form: "text" | "arrayBuffer", body: string | ArrayBuffer): void {
  Object.assign(c.req.bodyCache, { [form]: Promise.resolve(body) });
}

function isPlainJson(c: HonoContext<AppEnv>): boolean {
  const encoding = c.req.header("Content-Encoding") ?? "identity";
  return JSON_TYPE.test(c.req.header("Content-Type") ?? "") && encoding === "identity";
}

/** Null when the body is larger than the limit; the rest of it is then not read. */
async function readAtMost(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer> | null> {
  // The server holds a body to its Content-Length, so it can be read in one call, which is cheaper.
  if (request.headers.has("Content-Length")) {
    const whole = await request.arrayBuffer();
    return whole.byteLength > limit ? null : new Uint8Array(whole);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > limit) {
      reader.cancel().catch(() => {});
      return null;
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

type ReadText = { kind: "text"; text: string } | { kind: "unfit"; problem: Problem };

function readText(bytes: Uint8Array, anyText: boolean): ReadText {
  if (nestsDeeper(bytes, MAX_DEPTH)) {
    return { kind: "unfit", problem: invalidJson(`The body nests more than ${MAX_DEPTH} deep.`) };
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return { kind: "unfit", problem: invalidJson("The body is not UTF-8.") };
  }
  const field = anyText ? null : findUnstorableText(text);
  return field === null ? { kind: "text", text } : { kind: "unfit", problem: unstorable(field) };
}

const unstorable = (field: string): Problem =>
  invalidBody([
    { field, code: "invalid_characters", message: "must hold neither U+0000 nor half of a surrogate pair" },
  ]);

/**
 * Removes an empty body and its Content-Type. Many clients send `application/json` with an empty body, which is no JSON,
 * so that a validator would refuse it. The stream was read here and cannot be read again, so it has to go as well.
 */
function dropBody(c: HonoContext<AppEnv>): void {
  const { url, method, signal, cf } = c.req.raw;
  const headers = new Headers(c.req.raw.headers);
  headers.delete("Content-Type");
  c.req.raw = new Request(url, { method, headers, signal, cf });
}
