import { FIXED_ROLES, OWN, type Permission, withReading } from "../permissions.ts";
import type { UserActor } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import { first, sql } from "../platform/sql.ts";

/**
 * Looks at a token's session, its user and the role as they stand now; one call to D1, three rows by their keys. So whoever
 * was signed out, disabled or given another role is refused at once, however long the token lives. Who has another role
 * renews the token first: by the old one they would do half of what each role may.
 * @returns the actor with what the role allows now; null where the session has ended
 */
export async function confirmSession(context: Context, actor: UserActor): Promise<UserActor | null> {
  const { userId, sessionId, role } = actor;
  const row = await first(
    context.env.DB,
    sql<{ permissions: string | null }>`
      SELECT r.permissions FROM sessions AS s JOIN users AS u ON u.id = s.user_id
      LEFT JOIN roles AS r ON r.name = u.role
      WHERE s.id = ${sessionId} AND s.user_id = ${userId} AND s.revoked_at IS NULL
        AND u.disabled_at IS NULL AND u.role = ${role}`,
  );
  if (row === null) return null;
  return { ...actor, permissions: permissionsOf(role, row.permissions) };
}

/** @param given of the role's row, as JSON; null where it has none, as a fixed role */
const permissionsOf = (role: string, given: string | null): readonly Permission[] =>
  FIXED_ROLES[role] ?? [OWN, ...withReading(given === null ? [] : JSON.parse(given))];
