import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { COUNT_LIMIT, decodeCursor, pageWindow, toList } from "../platform/pagination.ts";
import type { ListUsersQuery } from "./schemas.ts";
import { renderAccount, USER_COLUMNS, type UserRow } from "./user-row.ts";

/** Accounts, the newest first. Ids are ordered by time, so the primary key is the index of this list. */
export async function listUsers(context: Context, query: ListUsersQuery) {
  const { DB } = context.env;
  const after = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const parameters = [query.email, after?.id].filter((value) => value !== undefined);
  const emailIs = query.email === undefined ? "1" : "email = ?";
  const comesAfter = after === null ? "1" : "id < ?";
  const results = await DB.batch([
    DB.prepare(
      `SELECT ${USER_COLUMNS} FROM users WHERE ${emailIs} AND ${comesAfter} ORDER BY id DESC LIMIT ? OFFSET ?`,
    ).bind(...parameters, limit, offset),
    DB.prepare(
      `SELECT count(*) AS count FROM (SELECT 1 FROM users WHERE ${emailIs} AND ${comesAfter} LIMIT ?)`,
    ).bind(...parameters, after === null ? COUNT_LIMIT + 1 : 0),
  ]);
  return toList(
    query,
    rowsOf<UserRow>(results, 0),
    after === null ? (rowsOf<{ count: number }>(results, 1)[0]?.count ?? 0) : null,
    (row) => ({ key: row.created_at, id: row.id }),
    renderAccount,
  );
}
