import { and, desc, eq, lt } from "drizzle-orm";
import type { Context } from "../platform/context.ts";
import { countUpTo, orm } from "../platform/d1.ts";
import { COUNT_LIMIT, decodeCursor, pageWindow, toList } from "../platform/pagination.ts";
import type { ListUsersQuery } from "./schemas.ts";
import { users } from "./tables.ts";
import { renderAccount, USER_COLUMNS } from "./user-row.ts";

/** Accounts, the newest first. Ids are ordered by time, so the primary key is the index of this list. */
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
    countUpTo(db, after === null ? COUNT_LIMIT + 1 : 0, users, emailIs),
  ]);
  return toList(
    query,
    rows,
    after === null ? (counted?.count ?? 0) : null,
    (row) => ({ key: row.createdAt, id: row.id }),
    renderAccount,
  );
}
