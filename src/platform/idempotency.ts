import type { Context as HonoContext } from "hono";
import type { Actor } from "./actor.ts";
import type { AppEnv } from "./http/app-env.ts";
import { type Problem, type ProblemAnswer, problem } from "./http/problem.ts";
import { answerKey, type KeyRow, putDownKey, readKeyRow, renamedKeys } from "./idempotency-keys.ts";
import { sha256 } from "./ids.ts";
import { refuseRestored } from "./restoring.ts";
import { batch, first, type Sql } from "./sql.ts";

/** A guest's key alone protects its answer, so it must be too long to be guessed. */
export const GUEST_KEY_LENGTH = 16;
const MAX_KEY_LENGTH = 255;

/** The key of a request, with whose it is and what was asked under it. */
export interface IdempotencyKey {
  scope: string;
  /** A guest's is hashed: who reads it in the database cannot send it. */
  key: string;
  /** A guest's as it was sent, and as the version before stored it. */
  formerly?: string;
  /**
   * SHA-256 of method, path and body: what was sent. Where that alone does not say what is done, as for a cart, a point and
   * the SHA-256 of the rest follow.
   */
  fingerprint: string;
}

/** Whether a key that was answered was given for what is sent now, whatever has become of the rest since. */
export const wasSentBefore = (stored: string, fingerprint: string | undefined): boolean =>
  stored.split(".")[0] === fingerprint?.split(".")[0];

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

/** Each user and each API key has a scope of keys; guests share one. */
export function keyScope(actor: Actor): string {
  if (actor.kind === "user") return `user:${actor.userId}`;
  return actor.kind === "key" ? `key:${actor.keyId}` : "public";
}

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
  const [named, fingerprint] = await Promise.all([storedName(actor, key), fingerprintOf(c)]);
  return { kind: "key", key: { scope: keyScope(actor), ...named, fingerprint } };
}

/** No client can send what begins with this, since a key is ASCII: a hash that was read somewhere opens nothing. */
const HASHED = "•";

const storedName = async (actor: Actor, key: string) =>
  actor.kind === "user" || actor.kind === "key"
    ? { key }
    : { key: `${HASHED}${await sha256(key)}`, formerly: key };

/** SHA-256 of a request's method, path and body. */
export async function fingerprintOf(c: HonoContext<AppEnv>): Promise<string> {
  const path = new URL(c.req.url).pathname.replace(/\/+$/, "");
  return sha256(`${c.req.method} ${path}\n${await c.req.text()}`);
}

/** Statuses that decide nothing: the request may be corrected, or sent again, under its key. */
const NOT_KEPT = new Set([412, 422, 429]);

/** An answer that the same route gave before. */
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

/** What a request does, once for all requests under its key. */
export class Operation {
  /** A ulid, the same for all twins and retries of one key. */
  readonly id: string;
  /** The batch that did the work stored its answer too. */
  answered = false;
  readonly #key: IdempotencyKey | null;

  constructor(id: string, key: IdempotencyKey | null = null) {
    this.id = id;
    this.#key = key;
  }

  /**
   * For the batch that does the work: the statement that stores what it is answered with. None without a key. Who wins
   * that batch sets `answered`.
   * @param won SQL: that the work was won
   */
  answer(status: number, body: object, won: Sql): Sql | undefined {
    return this.#key ? answerKey({ ...this.#key, status, body: JSON.stringify(body) }, won) : undefined;
  }
}

/**
 * Runs a POST at most once for each Idempotency-Key. `work` must be idempotent by its operation's id: it may run again
 * when an earlier run died between its effect and the answer. Where the work is one batch it stores its answer there.
 * Otherwise the answer is stored after it, if it decided something; of twins that answer differently, the one that had
 * an effect is believed.
 */
export async function once<A extends Response>(
  c: HonoContext<AppEnv>,
  work: (operation: Operation) => Promise<A>,
): Promise<A | Replayed | ProblemAnswer> {
  const { env, ids, clock } = c.get("context");
  const read = await readKey(c);
  if (read.kind === "malformed") return problem(c, read.problem);
  if (read.kind === "none") return work(new Operation(ids.next()));

  const { key } = read;
  const { standing } = await batch(env.DB, {
    ...renamedKeys([key]),
    put: putDownKey({ ...key, operation: ids.next() }, clock.now()),
    standing: readKeyRow(key),
  });
  return answerUnder(c, key, standing[0], work);
}

/** What a command is about, and must be there before anything is kept of the command. */
export interface Subject<Row> {
  read: Sql<Row>;
  exists: Sql;
  missing: Problem;
}

/** As `once`, of something that is read in the same call as the key. */
export async function onceOn<Row, A extends Response>(
  c: HonoContext<AppEnv>,
  { read, exists, missing }: Subject<Row>,
  work: (row: Row, operation: Operation) => Promise<A>,
): Promise<A | Replayed | ProblemAnswer> {
  const { env, ids, clock } = c.get("context");
  const given = await readKey(c);
  if (given.kind === "malformed") return problem(c, given.problem);
  if (given.kind === "none") {
    const row = await first(env.DB, read);
    return row ? work(row, new Operation(ids.next())) : problem(c, missing);
  }

  const { key } = given;
  const { standing, subject } = await batch(env.DB, {
    ...renamedKeys([key]),
    put: putDownKey({ ...key, operation: ids.next() }, clock.now(), exists),
    standing: readKeyRow(key),
    subject: read,
  });
  const [row] = subject;
  if (!row) return problem(c, missing);
  return answerUnder(c, key, standing[0], (operation) => work(row, operation));
}

/** Repeats what was answered under a key, or does the work and keeps what it is answered with. */
async function answerUnder<A extends Response>(
  c: HonoContext<AppEnv>,
  key: IdempotencyKey,
  row: KeyRow | undefined,
  work: (operation: Operation) => Promise<A>,
): Promise<A | Replayed | ProblemAnswer> {
  if (!row) throw new Error("an idempotency key vanished between its insert and its read");
  if (row.fingerprint !== key.fingerprint) return problem(c, KEY_REUSED);
  if (row.status !== null && row.body !== null) return replay(row.status, row.body);

  const operation = new Operation(row.operation, key);
  const response = await work(operation);
  const { status } = response;
  if (operation.answered || status >= 500 || NOT_KEPT.has(status)) return response;
  const body = await response.clone().text();
  const context = c.get("context");
  const stored = await batch(context.env.DB, {
    // After a restore the work is gone, and its answer would keep a retry from doing it again.
    fence: refuseRestored(context),
    answered: answerKey({ ...key, status, body }),
    standing: readKeyRow(key),
  });
  const [answer] = stored.standing;
  const won = answer?.status === status && answer.body === body;
  return won || answer?.status == null || answer.body === null
    ? response
    : replay(answer.status, answer.body);
}
