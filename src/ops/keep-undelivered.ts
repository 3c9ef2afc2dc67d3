import type { Context } from "../platform/context.ts";
import { runBatch, sql } from "../platform/sql.ts";

/** The task of rows that keep a message which no consumer took. No handler has this name: it is never begun. */
export const UNDELIVERED = "undelivered";

/**
 * Keeps what reached the dead-letter queue: one row of work, dead from the start, for each message, beside the tasks
 * that died, and a line in the log. Named by the message's id, so that a second delivery keeps nothing twice. Throws
 * when D1 is down: the messages must come again.
 */
export async function keepUndelivered(context: Context, messages: readonly Message[]): Promise<void> {
  const now = context.clock.now();
  await runBatch(
    context.env.DB,
    messages.map(({ id, body, timestamp, attempts }) => {
      const payload = payloadOf(body);
      context.log.error("a message was never taken", { message: id, payload });
      const at = timestamp.getTime();
      return sql`
        INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, error, created_at, finished_at)
        VALUES (${`wrk_${id}`}, ${UNDELIVERED}, 'dead-letters', ${payload}, 'dead', ${at}, ${attempts},
          'no consumer took it', ${at}, ${now})
        ON CONFLICT DO NOTHING`;
    }),
  );
}

/** `{body}`; what JSON cannot say is kept as text. */
function payloadOf(body: unknown): string {
  try {
    return JSON.stringify({ body });
  } catch {
    return JSON.stringify({ body: String(body) });
  }
}
