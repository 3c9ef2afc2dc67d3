import { and, desc, eq, lt, sql } from "drizzle-orm";
import { isoStamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { countUpTo, orm } from "../platform/d1.ts";
import { COUNT_LIMIT, decodeCursor, type List, pageWindow, toList } from "../platform/pagination.ts";
import type { EmailQuery, EmailWire } from "./schemas.ts";
import { emails } from "./tables.ts";

/** The mails kept in development, newest first. */
export async function listEmails({ env }: Context, query: EmailQuery): Promise<List<EmailWire>> {
  const db = orm(env.DB);
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const isTo = query.to === undefined ? undefined : eq(sql`lower(${emails.to})`, query.to);
  const comesAfter = cursor === null ? undefined : lt(emails.id, Number(cursor.key));
  const [rows, [counted]] = await db.batch([
    db
      .select()
      .from(emails)
      .where(and(isTo, comesAfter))
      .orderBy(desc(emails.id))
      .limit(limit)
      .offset(offset),
    countUpTo(db, COUNT_LIMIT + 1, emails, isTo),
  ]);
  return toList(
    query,
    rows,
    counted?.count ?? 0,
    ({ id }) => ({ key: id, id: String(id) }),
    (row) => ({
      id: String(row.id),
      to: row.to,
      subject: row.subject,
      text: row.text,
      html: row.html,
      sent_at: isoStamp(row.sentAt),
    }),
  );
}
