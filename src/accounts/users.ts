import { and, desc, eq, exists, isNotNull, isNull, lt, ne, or, type SQL, sql } from "drizzle-orm";
import { FIXED_ROLES } from "../permissions.ts";
import type { UserActor } from "../platform/actor.ts";
import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { countUpTo, orm } from "../platform/d1.ts";
import { COUNT_LIMIT_ROWS, decodeCursor, pageWindow, toList } from "../platform/pagination.ts";
import { listRoles, rolesWithin } from "./roles.ts";
import type { EditUser, ListUsersQuery } from "./schemas.ts";
import { roles, sessions, users } from "./tables.ts";

/** All columns but the password's hash, which must not leave this room. */
const USER_COLUMNS = {
  id: users.id,
  email: users.email,
  name: users.name,
  role: users.role,
  disabledAt: users.disabledAt,
  trusted: users.trusted,
  paymentMethods: users.paymentMethods,
  emailVerifiedAt: users.emailVerifiedAt,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
};

type UserRow = Pick<typeof users.$inferSelect, keyof typeof USER_COLUMNS>;

/** An account as the API shows it to its owner and to admins. */
export const renderAccount = (row: UserRow) => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  disabled: row.disabledAt !== null,
  trusted: row.trusted,
  payment_methods: row.paymentMethods,
  email_verified: row.emailVerifiedAt !== null,
  created_at: isoTimestamp(row.createdAt),
  updated_at: isoTimestamp(row.updatedAt),
});

/** Accounts, the newest first. They are sorted by id, which is ordered by time, so the primary key is the index. */
export async function listUsers({ env }: Context, query: ListUsersQuery) {
  const db = orm(env.DB);
  const after = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const emailIs = query.email === undefined ? undefined : eq(users.email, query.email);
  const comesAfter = after === null ? undefined : lt(users.id, after.id);
  const [rows, [counted]] = await db.batch([
    db
      .select(USER_COLUMNS)
      .from(users)
      .where(and(emailIs, comesAfter))
      .orderBy(desc(users.id))
      .limit(limit)
      .offset(offset),
    countUpTo(db, after === null ? COUNT_LIMIT_ROWS + 1 : 0, users, emailIs),
  ]);
  return toList(
    query,
    rows,
    after === null ? (counted?.count ?? 0) : null,
    (row) => ({ key: row.createdAt, id: row.id }),
    renderAccount,
  );
}

export type EditUserOutcome =
  | { kind: "edited"; user: UserRow }
  | { kind: "not_found" }
  | { kind: "unknown_role" }
  /** The account, or the role to be given, may do more than the caller. */
  | { kind: "beyond_yours" }
  | { kind: "last_admin" }
  | { kind: "session_ended" };

/**
 * Sets an account's role and what it may do as a buyer, or disables or enables it. Nobody changes the account of who may do
 * more than they, or gives a role that does. The statement itself checks that an enabled admin remains, that the role is
 * there, and that the caller still has theirs: of two who demote each other at once, one is too late.
 */
export async function editUser(
  context: Context,
  actor: UserActor,
  userId: string,
  change: EditUser,
): Promise<EditUserOutcome> {
  const db = orm(context.env.DB);
  const now = context.clock.now();
  const isUser = eq(users.id, userId);
  const { role } = change;
  const known = await listRoles(context);
  const within = rolesWithin(actor, known);
  // As one parameter: D1 takes a hundred of them, and a shop may have more roles.
  const isWithin = sql`${users.role} IN (SELECT value FROM json_each(${JSON.stringify(within)}))`;
  if (role !== undefined && !within.includes(role)) {
    return { kind: known.some(({ name }) => name === role) ? "beyond_yours" : "unknown_role" };
  }
  const isThere =
    role === undefined || role in FIXED_ROLES
      ? undefined
      : exists(db.select({ name: roles.name }).from(roles).where(eq(roles.name, role)));
  const isEnabledAdmin = and(eq(users.role, "admin"), isNull(users.disabledAt));
  const found = (condition: SQL | undefined) => db.select({ id: users.id }).from(users).where(condition);
  const caller = found(and(eq(users.id, actor.userId), eq(users.role, actor.role), isNull(users.disabledAt)));
  const otherAdmin = found(and(ne(users.id, userId), isEnabledAdmin));
  const endsAdmin = (role !== undefined && role !== "admin") || change.disabled === true;
  const leavesAdmin = endsAdmin ? or(ne(users.role, "admin"), exists(otherAdmin)) : undefined;

  const [[user], , target, callers] = await db.batch([
    db
      .update(users)
      .set({
        role,
        disabledAt: disabledAt(change.disabled, now),
        trusted: change.trusted,
        paymentMethods: change.payment_methods,
        updatedAt: now,
      })
      .where(and(isUser, isWithin, isThere, exists(caller), leavesAdmin))
      .returning(USER_COLUMNS),
    db
      .update(sessions)
      .set({ revokedAt: now })
      .where(
        and(
          eq(sessions.userId, userId),
          isNull(sessions.revokedAt),
          exists(found(and(isUser, isNotNull(users.disabledAt)))),
        ),
      ),
    db.select({ role: users.role }).from(users).where(isUser),
    caller,
  ]);
  if (user) return { kind: "edited", user };
  if (callers.length === 0) return { kind: "session_ended" };
  const [standing] = target;
  if (!standing) return { kind: "not_found" };
  if (!within.includes(standing.role)) return { kind: "beyond_yours" };
  return standing.role === "admin" && endsAdmin ? { kind: "last_admin" } : { kind: "unknown_role" };
}

/** The new value of the column; undefined leaves it. An account that is disabled already keeps its date. */
function disabledAt(disabled: boolean | undefined, now: number) {
  if (disabled === undefined) return undefined;
  return disabled ? sql`coalesce(${users.disabledAt}, ${now})` : null;
}

/** The account of a token's user; undefined when it was deleted or disabled since the token was given. */
export function readMe({ env }: Context, userId: string): Promise<UserRow | undefined> {
  return orm(env.DB).select(USER_COLUMNS).from(users).where(isEnabled(userId)).get();
}

/** Changes a user's own account; undefined as for `readMe`. */
export function editMe(
  { env, clock }: Context,
  userId: string,
  change: { name?: string | undefined },
): Promise<UserRow | undefined> {
  return orm(env.DB)
    .update(users)
    .set({ name: change.name, updatedAt: clock.now() })
    .where(isEnabled(userId))
    .returning(USER_COLUMNS)
    .get();
}

const isEnabled = (userId: string) => and(eq(users.id, userId), isNull(users.disabledAt));
