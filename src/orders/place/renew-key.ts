import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import type { KeyClaim } from "../../platform/idempotency.ts";

/**
 * Sets a fresh claim on a key whose claim was abandoned, by compare-and-set, and tells which operation stands there
 * now: ours, or that of a twin who was faster. Null when the key was answered meanwhile. Only for a claim that has let
 * go everywhere: the next generation must not lose its units to the one before.
 */
export async function renewKey(context: Context, key: KeyClaim, abandoned: string): Promise<string | null> {
  const { env } = context;
  const results = await env.DB.batch([
    env.DB.prepare(
      `UPDATE idempotency SET operation = ?4
       WHERE scope = ?1 AND key = ?2 AND operation = ?3 AND status IS NULL`,
    ).bind(key.scope, key.key, abandoned, context.ids.next()),
    env.DB.prepare("SELECT operation FROM idempotency WHERE scope = ?1 AND key = ?2 AND status IS NULL").bind(
      key.scope,
      key.key,
    ),
  ]);
  return rowsOf<{ operation: string }>(results, 1)[0]?.operation ?? null;
}
