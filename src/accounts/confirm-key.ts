import { type Permission, withReading } from "../permissions.ts";
import type { KeyActor } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import { first, run, sql } from "../platform/sql.ts";

/** How exactly it is known when a key was last used. */
const COARSE_MS = 3_600_000;

interface Found {
  id: string;
  scopes: string;
  last_used_at: number | null;
}

/**
 * Who has the API key of this hash, as it stands: one that was revoked or has expired is none from the next request on. When
 * it was last used is written behind the answer, once an hour at most.
 */
export async function confirmKey(context: Context, hash: string): Promise<KeyActor | null> {
  const now = context.clock.now();
  const found = await first(
    context.env.DB,
    sql<Found>`
      SELECT id, scopes, last_used_at FROM api_keys
      WHERE hash = ${hash} AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${now})`,
  );
  if (found === null) return null;
  const { id, scopes, last_used_at: lastUsed } = found;
  if (lastUsed === null || lastUsed + COARSE_MS <= now) context.defer(noteUse(context, id, now));
  const permissions = withReading(JSON.parse(scopes) as Permission[]);
  return { kind: "key", name: id, keyId: id, permissions };
}

const noteUse = ({ env }: Context, id: string, now: number): Promise<unknown> =>
  run(
    env.DB,
    sql`UPDATE api_keys SET last_used_at = ${now}
      WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= ${now - COARSE_MS})`,
  );
