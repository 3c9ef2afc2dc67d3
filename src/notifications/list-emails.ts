import { z } from "@hono/zod-openapi";
import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { decodeCursor, type List, listSchema, pageQuerySchema, toList } from "../platform/pagination.ts";
import { readPage } from "../platform/read-page.ts";
import { sql } from "../platform/sql.ts";

export const emailSchema = z
  .object({
    id: z.string(),
    to: z.string(),
    subject: z.string(),
    text: z.string(),
    html: z.string(),
    sent_at: z.string().openapi({ format: "date-time" }),
  })
  .openapi("Email");

type EmailWire = z.infer<typeof emailSchema>;

export const emailListSchema = listSchema(emailSchema, "EmailList");

export const emailQuerySchema = pageQuerySchema.extend({
  cursor: pageQuerySchema.shape.cursor.refine(
    (text) => text === undefined || typeof decodeCursor(text)?.key === "number",
    "is not a cursor that was given out",
  ),
  to: z
    .string()
    .max(254)
    .toLowerCase()
    .optional()
    .openapi({ description: "The whole address", example: "ada@shop.example" }),
});

type EmailQuery = z.infer<typeof emailQuerySchema>;

interface EmailRow {
  id: number;
  to_address: string;
  subject: string;
  text: string;
  html: string;
  sent_at: number;
}

/** The e-mails kept in development, the newest first. There is no index by address, as few rows are ever there. */
export async function listEmails({ env }: Context, query: EmailQuery): Promise<List<EmailWire>> {
  const { rows, counted, stopped } = await readPage<EmailRow>(
    env.DB,
    {
      select: "m.id, m.to_address, m.subject, m.text, m.html, m.sent_at",
      from: "emails AS m",
      where: [],
      ...(query.to === undefined ? {} : { filter: [sql`lower(m.to_address) = ${query.to}`] }),
      key: null,
      id: "m.id",
      direction: "DESC",
    },
    query,
  );
  return toList(
    query,
    rows,
    counted,
    ({ id }) => ({ key: id, id: String(id) }),
    (row) => ({
      id: String(row.id),
      to: row.to_address,
      subject: row.subject,
      text: row.text,
      html: row.html,
      sent_at: isoTimestamp(row.sent_at),
    }),
    stopped,
  );
}
