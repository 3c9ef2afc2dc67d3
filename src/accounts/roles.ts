import { asc, eq } from "drizzle-orm";
import { FIXED_ROLES, type Permission, withReading } from "../permissions.ts";
import type { UserActor } from "../platform/actor.ts";
import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";
import { first, run, sql } from "../platform/sql.ts";
import { roles } from "./tables.ts";

export interface Role {
  name: string;
  permissions: readonly Permission[];
  /** Null for the roles that every shop has, which nobody changes. */
  since: { created: number; updated: number } | null;
}

export const renderRole = ({ name, permissions, since }: Role) => ({
  name,
  permissions: [...permissions],
  fixed: since === null,
  created_at: since && isoTimestamp(since.created),
  updated_at: since && isoTimestamp(since.updated),
});

const FIXED: Role[] = Object.entries(FIXED_ROLES).map(([name, permissions]) => ({
  ...{ name, permissions },
  since: null,
}));

/** All roles: those of every shop first, then the shop's own by name. */
export async function listRoles({ env }: Context): Promise<Role[]> {
  const rows = await orm(env.DB).select().from(roles).orderBy(asc(roles.name));
  return [...FIXED, ...rows.map(roleOf)];
}

const roleOf = (row: typeof roles.$inferSelect): Role => ({
  name: row.name,
  permissions: row.permissions,
  since: { created: row.createdAt, updated: row.updatedAt },
});

/** What of these permissions somebody lacks: nobody gives what they do not have. */
export const lackedBy = (actor: UserActor, permissions: readonly Permission[]): Permission[] =>
  withReading(permissions).filter((name) => !actor.permissions.includes(name));

/** The names of the roles that allow no more than the actor may: who has another is out of their reach. */
export const rolesWithin = (actor: UserActor, all: Role[]): string[] =>
  all.filter(({ permissions }) => lackedBy(actor, permissions).length === 0).map(({ name }) => name);

export type RoleRefusal =
  | { kind: "not_found" }
  | { kind: "fixed" }
  | { kind: "name_taken" }
  /** It gives or has what the caller lacks. */
  | { kind: "beyond_yours"; lacked: Permission[] };

export async function createRole(
  { env, clock }: Context,
  actor: UserActor,
  { name, permissions }: { name: string; permissions: Permission[] },
): Promise<{ kind: "created"; role: Role } | RoleRefusal> {
  const lacked = lackedBy(actor, permissions);
  if (lacked.length > 0) return { kind: "beyond_yours", lacked };
  if (name in FIXED_ROLES) return { kind: "name_taken" };
  const now = clock.now();
  const [row] = await orm(env.DB)
    .insert(roles)
    .values({ name, permissions, createdAt: now, updatedAt: now })
    .onConflictDoNothing()
    .returning();
  return row ? { kind: "created", role: roleOf(row) } : { kind: "name_taken" };
}

/** What a role allows changes at once for everybody who has it: each call looks (./confirm-session.ts). */
export async function changeRole(
  context: Context,
  actor: UserActor,
  name: string,
  permissions: Permission[] | undefined,
): Promise<{ kind: "changed"; role: Role } | RoleRefusal> {
  const refusal = await outOfReach(context, actor, name, permissions ?? []);
  if (refusal) return refusal;
  const [row] = await orm(context.env.DB)
    .update(roles)
    .set({ permissions, updatedAt: context.clock.now() })
    .where(eq(roles.name, name))
    .returning();
  return row ? { kind: "changed", role: roleOf(row) } : { kind: "not_found" };
}

/** Deletes a role that nobody has; the statement itself looks, so that nobody is given it meanwhile. */
export async function deleteRole(
  context: Context,
  actor: UserActor,
  name: string,
): Promise<{ kind: "deleted" } | { kind: "in_use"; users: number } | RoleRefusal> {
  const refusal = await outOfReach(context, actor, name, []);
  if (refusal) return refusal;
  const having = sql`FROM users WHERE role = ${name} AND role <> 'customer'`;
  const deleted = await run(
    context.env.DB,
    sql`DELETE FROM roles WHERE name = ${name} AND NOT EXISTS (SELECT 1 ${having})`,
  );
  if (deleted > 0) return { kind: "deleted" };
  const left = await first(
    context.env.DB,
    sql<{ users: number; there: number }>`SELECT (SELECT count(*) ${having}) AS users,
      EXISTS (SELECT 1 FROM roles WHERE name = ${name}) AS there`,
  );
  return left?.there === 1 ? { kind: "in_use", users: left.users } : { kind: "not_found" };
}

async function outOfReach(
  { env }: Context,
  actor: UserActor,
  name: string,
  permissions: Permission[],
): Promise<RoleRefusal | null> {
  if (name in FIXED_ROLES) return { kind: "fixed" };
  const [row] = await orm(env.DB).select().from(roles).where(eq(roles.name, name));
  if (!row) return { kind: "not_found" };
  const lacked = lackedBy(actor, [...row.permissions, ...permissions]);
  return lacked.length > 0 ? { kind: "beyond_yours", lacked } : null;
}
