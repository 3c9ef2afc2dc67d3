import { and, desc, eq, exists, isNotNull, isNull, lt, ne, type SQL, sql } from "drizzle-orm";
import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { countUpTo, orm } from "../platform/d1.ts";
import { COUNT_LIMIT_ROWS, decodeCursor, pageWindow, toList } from "../platform/pagination.ts";
import type { EditUser, ListUsersQuery } from "./schemas.ts";
import { sessions, users } from "./tables.ts";

/** All columns but the password's hash, which must not leave this room. */
const USER_COLUMNS = {
  id: users.id,
  email: users.email,
  name: users.name,
  role: users.role,
  disabledAt: users.disabledAt,
  trusted: users.trusted,
  paymentMethods: users.paymentMethods,
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
  | { kind: "last_admin" }
  | { kind: "no_longer_admin" };

/**
 * Sets an account's role and what it may do as a buyer, or disables or enables it. The statement itself checks that an enabled admin remains, and that
 * the caller still is one: by the token alone, an admin who was just demoted could promote themselves again.
 */
export async function editUser(
  context: Context,
  adminId: string,
  userId: string,
  change: EditUser,
): Promise<EditUserOutcome> {
  const db = orm(context.env.DB);
  const now = context.clock.now();
  const isUser = eq(users.id, userId);
  const isEnabledAdmin = and(eq(users.role, "admin"), isNull(users.disabledAt));
  const found = (condition: SQL | undefined) => db.select({ id: users.id }).from(users).where(condition);
  const caller = found(and(eq(users.id, adminId), isEnabledAdmin));
  // When the account is not the caller's own, this finds the caller.
  const otherAdmin = found(and(ne(users.id, userId), isEnabledAdmin));
  const endsAdmin = (change.role !== undefined && change.role !== "admin") || change.disabled === true;

  const [[user], , target, callers] = await db.batch([
    db
      .update(users)
      .set({
        role: change.role,
        disabledAt: disabledAt(change.disabled, now),
        trusted: change.trusted,
        paymentMethods: change.payment_methods,
        updatedAt: now,
      })
      .where(and(isUser, exists(caller), endsAdmin ? exists(otherAdmin) : undefined))
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
    found(isUser),
    caller,
  ]);
  if (user) return { kind: "edited", user };
  if (callers.length === 0) return { kind: "no_longer_admin" };
  return target.length === 0 ? { kind: "not_found" } : { kind: "last_admin" };
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
