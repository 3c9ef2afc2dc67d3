import { FIXED_ROLES, OWN, type Permission, withReading } from "../permissions.ts";
import type { UserActor } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import type { Sessions } from "../platform/http/permission-guard.ts";
import { JoinedCheck } from "../platform/joined-check.ts";
import { first, type Sql, sql } from "../platform/sql.ts";
import { confirmKey } from "./confirm-key.ts";
import { confirmRestorer } from "./confirm-restorer.ts";

/**
 * A token's session, its user and the role as they stand now: three rows by their keys. So whoever was signed out, disabled
 * or given another role is refused at once, however long the token lives. Who has another role renews the token first: by
 * the old one they would do half of what each role may.
 */
const standing = ({ userId, sessionId, role }: UserActor): Sql => sql`
  FROM sessions AS s JOIN users AS u ON u.id = s.user_id LEFT JOIN roles AS r ON r.name = u.role
  WHERE s.id = ${sessionId} AND s.user_id = ${userId} AND s.revoked_at IS NULL
    AND u.disabled_at IS NULL AND u.role = ${role}`;

async function confirm(context: Context, actor: UserActor): Promise<UserActor | null> {
  if (actor.restores !== null) return confirmRestorer(context, actor);
  const row = await first(
    context.env.DB,
    sql<{ permissions: string | null }>`SELECT r.permissions ${standing(actor)}`,
  );
  return row === null ? null : { ...actor, permissions: permissionsOf(actor.role, row.permissions) };
}

/** @param given of the role's row, as JSON; null where it has none, as a fixed role */
const permissionsOf = (role: string, given: string | null): readonly Permission[] =>
  FIXED_ROLES[role] ?? [OWN, ...withReading(given === null ? [] : JSON.parse(given))];

/** What a role of the shop's own allows must be read before anything is done. */
function join(context: Context, actor: UserActor): JoinedCheck | null {
  if (!(actor.role in FIXED_ROLES)) return null;
  // A text that is no JSON is SQLite's plainest way to fail on purpose.
  const must = sql`SELECT json('ended') WHERE NOT EXISTS (SELECT 1 ${standing(actor)})`;
  return new JoinedCheck(must, async () => (await confirm(context, actor)) !== null);
}

export const sessionsAsTheyStand: Sessions = { confirm, confirmKey, join };
