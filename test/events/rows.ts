import { env } from "cloudflare:workers";
import { addTasks, type NewTask } from "../../src/events/append.ts";
import { run, sql } from "../../src/platform/sql.ts";
import { testClock } from "../support/clock.ts";

export interface WorkRow {
  id: string;
  task: string;
  payload: string;
  state: "owed" | "done" | "dead";
  not_before: number;
  attempts: number;
  lease: string | null;
  error: string | null;
  started_at: number | null;
  finished_at: number | null;
}

/** Writes down work that is owed from now on, and rings no bell. */
export async function owe(...work: Partial<NewTask>[]): Promise<void> {
  const rows = work.map(
    (row, index): NewTask => ({
      id: `wrk_${index}`,
      task: "follow",
      object_id: "ord_1",
      payload: {},
      at: testClock.now(),
      not_before: testClock.now(),
      request_id: "req_1",
      ...row,
    }),
  );
  await run(env.DB, addTasks(rows, sql`true`));
}

export async function workRow(id: string): Promise<WorkRow> {
  const row = await env.DB.prepare("SELECT * FROM work WHERE id = ?").bind(id).first<WorkRow>();
  if (!row) throw new Error(`no row of work ${id}`);
  return row;
}
