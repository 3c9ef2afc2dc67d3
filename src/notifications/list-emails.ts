import { isoStamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { COUNT_LIMIT, decodeCursor, type List, pageWindow, toList } from "../platform/pagination.ts";
import type { EmailQuery, EmailWire } from "./schemas.ts";

interface EmailRow {
  id: number;
  to_address: string;
  subject: string;
  text: string;
  html: string;
  sent_at: number;
}

/** The mails kept in development, newest first. */
export async function listEmails({ env }: Context, query: EmailQuery): Promise<List<EmailWire>> {
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const where = "(?1 IS NULL OR lower(to_address) = ?1)";
  const results = await env.DB.batch([
    env.DB.prepare(
      `SELECT id, to_address, subject, text, html, sent_at FROM emails
       WHERE ${where} AND id < ?2 ORDER BY id DESC LIMIT ?3 OFFSET ?4`,
    ).bind(query.to ?? null, cursor?.key ?? Number.MAX_SAFE_INTEGER, limit, offset),
    env.DB.prepare(
      `SELECT count(*) AS counted FROM (SELECT 1 FROM emails WHERE ${where} LIMIT ${COUNT_LIMIT + 1})`,
    ).bind(query.to ?? null),
  ]);
  const counted = rowsOf<{ counted: number }>(results, 1)[0]?.counted ?? 0;
  return toList(
    query,
    rowsOf<EmailRow>(results, 0),
    counted,
    ({ id }) => ({ key: id, id: String(id) }),
    (row) => ({
      id: String(row.id),
      to: row.to_address,
      subject: row.subject,
      text: row.text,
      html: row.html,
      sent_at: isoStamp(row.sent_at),
    }),
  );
}
