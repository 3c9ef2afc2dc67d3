import type { Context as HonoContext } from "hono";
import type { Actor } from "./actor.ts";
import type { AppEnv } from "./app-env.ts";
import type { Context } from "./context.ts";
import { rowsOf } from "./d1.ts";
import { sha256 } from "./ids.ts";
import { type Problem, type ProblemAnswer, problem } from "./problem.ts";

/** A guest's key is the only thing that guards its answer: it must be long enough not to be guessed. */
export const GUEST_KEY_LENGTH = 16;
const MAX_KEY_LENGTH = 255;

/** The key that a request came under: whose it is, and what was asked under it. */
export interface IdempotencyKey {
  scope: string;
  key: string;
  /** SHA-256 of method, path and body. */
  fingerprint: string;
}

export interface KeyRow {
  fingerprint: string;
  operation: string;
  status: number | null;
  body: string | null;
}

export const KEY_REUSED: Problem = {
  status: 422,
  code: "idempotency_key_reused",
  detail: "This Idempotency-Key was used with another request.",
  errors: [
    { field: "Idempotency-Key", code: "idempotency_key_reused", message: "was used with another request" },
  ],
};

const malformedKey = (message: string): Problem => ({
  status: 422,
  code: "invalid_idempotency_key",
  detail: `The Idempotency-Key ${message}.`,
  errors: [{ field: "Idempotency-Key", code: "invalid_idempotency_key", message }],
});

/** Keys of one user never meet another's; guests share one scope. */
export const keyScope = (actor: Actor): string => (actor.kind === "user" ? `user:${actor.userId}` : "public");

/** Reads the request's key. `none` when it carries no Idempotency-Key. */
export async function readKey(
  c: HonoContext<AppEnv>,
): Promise<
  { kind: "none" } | { kind: "key"; key: IdempotencyKey } | { kind: "malformed"; problem: Problem }
> {
  const key = c.req.header("Idempotency-Key");
  if (key === undefined) return { kind: "none" };
  const { actor } = c.get("context");
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > MAX_KEY_LENGTH) {
    return {
      kind: "malformed",
      problem: malformedKey(`must be 1 to ${MAX_KEY_LENGTH} visible ASCII characters`),
    };
  }
  if (actor.kind === "guest" && key.length < GUEST_KEY_LENGTH) {
    return {
      kind: "malformed",
      problem: malformedKey(`must have at least ${GUEST_KEY_LENGTH} characters from a guest`),
    };
  }
  return { kind: "key", key: { scope: keyScope(actor), key, fingerprint: await fingerprintOf(c) } };
}

/** SHA-256 of a request's method, path and body. */
export async function fingerprintOf(c: HonoContext<AppEnv>): Promise<string> {
  const path = new URL(c.req.url).pathname.replace(/\/+$/, "");
  return sha256(`${c.req.method} ${path}\n${await c.req.text()}`);
}

/**
 * After an INSERT of keys: one that stands keeps its operation and fingerprint. While it has no answer, each request
 * under it makes it young again, so that it is never forgotten beside its answer.
 */
export const STAYS_YOUNG = `ON CONFLICT (scope, key) DO UPDATE SET created_at = excluded.created_at
  WHERE idempotency.status IS NULL AND idempotency.fingerprint = excluded.fingerprint`;

/** Answers that decided nothing: the request may be mended, or come again, under its key. */
const NOT_KEPT = new Set([412, 422, 429]);

/** Puts the key down by an insert that yields, and reads back what stands there. Two statements for a batch. */
export function putDownKey(
  db: D1Database,
  { scope, key, fingerprint }: IdempotencyKey,
  operation: string,
  now: number,
): D1PreparedStatement[] {
  return [
    db
      .prepare(
        `INSERT INTO idempotency (scope, key, fingerprint, operation, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ${STAYS_YOUNG}`,
      )
      .bind(scope, key, fingerprint, operation, now),
    db
      .prepare("SELECT fingerprint, operation, status, body FROM idempotency WHERE scope = ?1 AND key = ?2")
      .bind(scope, key),
  ];
}

/** An answer that was given before, by the same route. */
export class Replayed extends Response {
  declare readonly answers: "again";
}

/** A stored answer, byte for byte as it was first given. */
export const replay = (status: number, body: string): Replayed =>
  new Replayed(body, {
    status,
    headers: {
      "content-type": status >= 400 ? "application/problem+json" : "application/json",
      "idempotency-replayed": "true",
    },
  });

/**
 * Runs a POST at most once for each Idempotency-Key. `work` is given an operation id (a ulid) that is the same for
 * all twins and retries of one key, and must be idempotent by it: it may run again when an earlier run died between
 * its effect and the answer. Answers that decided something are kept; of twins that answer differently, the one that
 * had an effect is believed.
 */
export async function once<A extends Response>(
  c: HonoContext<AppEnv>,
  work: (operation: string) => Promise<A>,
): Promise<A | Replayed | ProblemAnswer> {
  const { env, ids, clock } = c.get("context");
  const read = await readKey(c);
  if (read.kind === "malformed") return problem(c, read.problem);
  if (read.kind === "none") return work(ids.next());

  const { key } = read;
  const results = await env.DB.batch(putDownKey(env.DB, key, ids.next(), clock.now()));
  const row = rowsOf<KeyRow>(results, 1)[0];
  if (!row) throw new Error("an idempotency key vanished between its insert and its read");
  if (row.fingerprint !== key.fingerprint) return problem(c, KEY_REUSED);
  if (row.status !== null && row.body !== null) return replay(row.status, row.body);

  const response = await work(row.operation);
  if (response.status >= 500 || NOT_KEPT.has(response.status)) return response;
  const stored = await env.DB.batch([
    env.DB.prepare(
      `UPDATE idempotency SET status = ?3, body = ?4
       WHERE scope = ?1 AND key = ?2 AND (status IS NULL OR (status >= 400 AND ?3 < 400))`,
    ).bind(key.scope, key.key, response.status, await response.clone().text()),
    env.DB.prepare(
      "SELECT fingerprint, operation, status, body FROM idempotency WHERE scope = ?1 AND key = ?2",
    ).bind(key.scope, key.key),
  ]);
  const answer = rowsOf<KeyRow>(stored, 1)[0];
  const won = answer?.status === response.status && answer.body === (await response.clone().text());
  return won || answer?.status == null || answer.body === null
    ? response
    : replay(answer.status, answer.body);
}

const HOUR_MS = 3_600_000;
/** An answered key repeats its answer for at least this long. */
export const KEY_LIFETIME_MS = 24 * HOUR_MS;
/** A key without an answer may stand for a claim that is still open: it is kept until no hold of it can be left. */
export const OPEN_KEY_LIFETIME_MS = 7 * KEY_LIFETIME_MS;
/** Answered keys that no run met in this time, once they were old enough, go with the others. */
const FORGET_WINDOW_MS = 6 * HOUR_MS;
const FORGET_LIMIT = 5_000;

/**
 * Deletes keys past their lifetime, each minute. Both statements read a bounded stretch of the index: unanswered
 * keys are not waded through from the oldest on every time. Returns how many.
 */
export async function forgetOldKeys(context: Context): Promise<number> {
  const { DB } = context.env;
  const now = context.clock.now();
  const results = await DB.batch([
    DB.prepare(
      `DELETE FROM idempotency WHERE (scope, key) IN (
         SELECT scope, key FROM idempotency WHERE created_at < ?1 AND created_at >= ?2 AND status IS NOT NULL
         ORDER BY created_at LIMIT ?3)`,
    ).bind(now - KEY_LIFETIME_MS, now - KEY_LIFETIME_MS - FORGET_WINDOW_MS, FORGET_LIMIT),
    DB.prepare(
      `DELETE FROM idempotency WHERE (scope, key) IN (
         SELECT scope, key FROM idempotency WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)`,
    ).bind(now - OPEN_KEY_LIFETIME_MS, FORGET_LIMIT),
  ]);
  return results.reduce((sum, { meta }) => sum + meta.changes, 0);
}
