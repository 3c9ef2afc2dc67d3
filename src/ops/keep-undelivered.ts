import type { Context } from "../platform/context.ts";
import { runBatch, sql } from "../platform/sql.ts";

/** The task of rows that keep a message which no consumer could read. No handler has this name, so it is never begun. */
export const UNDELIVERED = "undelivered";

/**
 * Keeps each message of the dead-letter queue as a row of `work` that is dead from the start, like the tasks that died, and
 * logs it. The row is named after the message's id, so a second delivery keeps nothing twice. Throws when D1 is down: then
 * the messages must come again.
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

/** JSON of `{body}`. A body that JSON cannot express is kept as text. */
function payloadOf(body: unknown): string {
  try {
    return JSON.stringify({ body });
  } catch {
    return JSON.stringify({ body: String(body) });
  }
}
