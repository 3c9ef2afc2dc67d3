import type { Context } from "../platform/context.ts";
import { eachPart, runBatch, sql } from "../platform/sql.ts";
import type { Mail } from "./mail.ts";

/** An e-mail that was sent, by which task, and when (milliseconds since the epoch). */
export interface SentMail extends Mail {
  taskId: string;
  at: number;
}

/** Stores e-mails that were sent in development, for GET /emails, in one round trip. */
export async function keepMails({ env }: Context, mails: SentMail[]): Promise<void> {
  await runBatch(
    env.DB,
    eachPart(mails).map(
      (part) => sql`
      INSERT INTO emails (work_id, to_address, subject, text, html, sent_at)
      SELECT mail.value ->> 'taskId', mail.value ->> 'to', mail.value ->> 'subject', mail.value ->> 'text',
             mail.value ->> 'html', mail.value ->> 'at'
      FROM ${part} AS mail`,
    ),
  );
}
