import type { Context } from "../platform/context.ts";
import { first, sql } from "../platform/sql.ts";
import type { Notice } from "./mail.ts";

interface Row {
  task: string;
  object_id: string;
  state: string;
  attempts: number;
  error: string | null;
}

/** The notice of a task that died, as it is when the e-mail is written. */
export async function composeDeadTask({ env }: Context, taskId: string): Promise<Notice> {
  const row = await first(
    env.DB,
    sql<Row>`SELECT task, object_id, state, attempts, error FROM work WHERE id = ${taskId}`,
  );
  const subject = `The task ${row?.task ?? taskId} has died`;
  if (row === null) return { subject, lines: [`${taskId} is gone.`] };
  const since = row.state === "dead" ? [] : [`It was tried again since, and is ${row.state}.`];
  return {
    subject,
    lines: [
      `${taskId}, of ${row.object_id}, was given up after ${row.attempts} attempts: ${row.error ?? "no error is known"}`,
      ...since,
      "Stock or money hangs on it: look at GET /api/v1/ops/dead-letters, and try it again from there.",
    ],
  };
}
