import { and, eq, isNull } from "drizzle-orm";
import type { Permission } from "../permissions.ts";
import type { UserActor } from "../platform/actor.ts";
import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import type { Operation } from "../platform/idempotency.ts";
import { prefixed, sha256 } from "../platform/ids.ts";
import { type List, type PageQuery, toList } from "../platform/pagination.ts";
import { readPage } from "../platform/read-page.ts";
import { batch, sql } from "../platform/sql.ts";
import { lackedBy } from "./roles.ts";
import { apiKeys } from "./tables.ts";

/** What begins so is a key, and no access token. */
const MARK = "hf_";
/** The mark and 256 random bits in base64url. */
export const API_KEY = /^hf_[\w-]{43}$/;
const PREFIX_LENGTH = MARK.length + 8;

interface KeyRow {
  id: string;
  name: string;
  prefix: string;
  scopes: string;
  created_by: string;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  revoked_at: number | null;
}

const COLUMNS = sql`id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at`;

const stamp = (at: number | null): string | null => (at === null ? null : isoTimestamp(at));

const renderKey = (row: KeyRow) => ({
  id: row.id,
  name: row.name,
  prefix: row.prefix,
  scopes: JSON.parse(row.scopes) as Permission[],
  created_by: row.created_by,
  created_at: isoTimestamp(row.created_at),
  expires_at: stamp(row.expires_at),
  last_used_at: stamp(row.last_used_at),
  revoked_at: stamp(row.revoked_at),
});

export type ApiKeyWire = ReturnType<typeof renderKey>;

export type CreateKeyOutcome =
  | { kind: "created"; key: ApiKeyWire & { secret?: string } }
  /** Nobody gives what they do not have. */
  | { kind: "beyond_yours"; lacked: Permission[] }
  | { kind: "expired" };

/**
 * Makes a key. It is shown in this answer only: what is kept under an Idempotency-Key has no secret in it.
 * @param operation the same for every repeat of the request; the key's id is made of it
 */
export async function createKey(
  { env, clock, ids }: Context,
  actor: UserActor,
  operation: Operation,
  given: { name: string; scopes: Permission[]; expires_at?: string | null | undefined },
): Promise<CreateKeyOutcome> {
  const lacked = lackedBy(actor, given.scopes);
  if (lacked.length > 0) return { kind: "beyond_yours", lacked };
  const now = clock.now();
  const expiresAt = given.expires_at == null ? null : Date.parse(given.expires_at);
  if (expiresAt !== null && expiresAt <= now) return { kind: "expired" };
  const secret = MARK + ids.secret();
  const row: KeyRow = {
    ...{ id: prefixed("key", operation.id), name: given.name, prefix: secret.slice(0, PREFIX_LENGTH) },
    ...{ scopes: JSON.stringify(given.scopes), created_by: actor.userId, created_at: now },
    ...{ expires_at: expiresAt, last_used_at: null, revoked_at: null },
  };
  const hash = await sha256(secret);
  const isMine = sql`EXISTS (SELECT 1 FROM api_keys WHERE id = ${row.id} AND hash = ${hash})`;
  const { standing } = await batch(env.DB, {
    made: sql`
      INSERT INTO api_keys (id, name, prefix, hash, scopes, created_by, created_at, expires_at)
      VALUES (${row.id}, ${row.name}, ${row.prefix}, ${hash}, ${row.scopes}, ${row.created_by}, ${now}, ${expiresAt})
      ON CONFLICT DO NOTHING`,
    answered: operation.answer(201, renderKey(row), isMine),
    standing: sql<KeyRow & { mine: number }>`
      SELECT ${COLUMNS}, ${isMine} AS mine FROM api_keys WHERE id = ${row.id}`,
  });
  const [made] = standing;
  if (!made) throw new Error("a key vanished between its insert and its read");
  operation.answered = true;
  // Where a twin was faster, its secret opens, and is told in its answer alone.
  return { kind: "created", key: made.mine === 1 ? { ...renderKey(made), secret } : renderKey(made) };
}

/** All keys, the newest first, those that were revoked too. */
export async function listKeys({ env }: Context, query: PageQuery): Promise<List<ApiKeyWire>> {
  const source = { from: "api_keys", where: [], key: null, id: "id", direction: "DESC" as const };
  const { rows, counted } = await readPage<KeyRow>(env.DB, { select: COLUMNS, ...source }, query);
  return toList(query, rows, counted, (row) => ({ key: row.created_at, id: row.id }), renderKey);
}

export async function readApiKey({ env }: Context, id: string): Promise<ApiKeyWire | null> {
  const { found } = await batch(env.DB, {
    found: sql<KeyRow>`SELECT ${COLUMNS} FROM api_keys WHERE id = ${id}`,
  });
  return found[0] ? renderKey(found[0]) : null;
}

/** From the next request on it opens nothing. @returns whether there was such a key */
export async function revokeKey({ env, clock }: Context, id: string): Promise<boolean> {
  const db = orm(env.DB);
  const [, found] = await db.batch([
    db
      .update(apiKeys)
      .set({ revokedAt: clock.now() })
      .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt))),
    db.select({ id: apiKeys.id }).from(apiKeys).where(eq(apiKeys.id, id)),
  ]);
  return found.length > 0;
}
