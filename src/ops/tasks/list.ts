import { queueOf } from "../../events/tasks.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { type List, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { type Sql, sql, trusted } from "../../platform/sql.ts";
import { UNDELIVERED } from "../keep-undelivered.ts";
import { TASK_COLUMNS, type TaskRow } from "./rows.ts";
import type { DeadLetterQuery, DeadLetterWire, TaskQuery, TaskWire } from "./schemas.ts";

/** What died, the last to die first: few among many, so by an index of their own. */
export async function listDeadLetters(
  { env }: Context,
  query: DeadLetterQuery,
): Promise<List<DeadLetterWire>> {
  const page = await readPage<TaskRow>(
    env.DB,
    {
      select: trusted(TASK_COLUMNS),
      from: FROM.dead,
      where: [STATE.dead],
      ...ofTask(query.task),
      key: "w.finished_at",
      id: "w.id",
      direction: "DESC",
    },
    query,
  );
  return toList(
    query,
    page.rows,
    page.counted,
    (row) => ({ key: row.finished_at ?? 0, id: row.id }),
    renderDeadLetter,
    page.stopped,
  );
}

/**
 * Work owed and done, the last written down first: by rowid, which costs no index, and is right for the ids of
 * messages too, that are no ulids. In one state, by the index of that: what is owed the last due first, the others the last
 * to end first.
 */
export async function listTasks({ env }: Context, query: TaskQuery): Promise<List<TaskWire>> {
  const { state, task } = query;
  const key = state === undefined ? "w.rowid" : SINCE[state];
  const page = await readPage<TaskRow & { place: number }>(
    env.DB,
    {
      select: sql`${trusted(key)} AS place, ${trusted(TASK_COLUMNS)}`,
      from: state === undefined ? "work AS w" : FROM[state],
      where: state === undefined ? [] : [STATE[state]],
      ...ofTask(task),
      key,
      id: "w.id",
      direction: "DESC",
    },
    query,
  );
  const cursorOf = (row: { place: number; id: string }) => ({ key: row.place, id: row.id });
  return toList(query, page.rows, page.counted, cursorOf, renderTask, page.stopped);
}

const FROM: Record<TaskRow["state"], string> = {
  owed: "work AS w INDEXED BY work_due",
  done: "work AS w INDEXED BY work_done",
  dead: "work AS w INDEXED BY work_dead",
};

const SINCE: Record<TaskRow["state"], string> = {
  owed: "w.not_before",
  done: "w.finished_at",
  dead: "w.finished_at",
};

/** Spelled out: a partial index serves only what says its condition word for word. */
const STATE: Record<TaskRow["state"], Sql> = {
  owed: sql`w.state = 'owed'`,
  done: sql`w.state = 'done'`,
  dead: sql`w.state = 'dead'`,
};

/** An index of tasks would be written to for each order. */
const ofTask = (task: string | undefined): { filter?: Sql[] } =>
  task === undefined ? {} : { filter: [sql`w.task = ${task}`] };

function renderDeadLetter(row: TaskRow): DeadLetterWire {
  return {
    id: row.id,
    queue: queueOfRow(row),
    task: row.task,
    payload: readPayload(row.payload),
    error: row.error,
    attempts: row.attempts,
    first_at: isoTimestamp(row.created_at),
    last_at: isoTimestamp(row.finished_at ?? row.created_at),
  };
}

function renderTask(row: TaskRow): TaskWire {
  const took = row.started_at === null || row.finished_at === null ? null : row.finished_at - row.started_at;
  return {
    id: row.id,
    task: row.task,
    queue: queueOfRow(row),
    object_id: row.object_id,
    state: row.state,
    attempts: row.attempts,
    error: row.error,
    not_before: isoTimestamp(row.not_before),
    created_at: isoTimestamp(row.created_at),
    started_at: row.started_at === null ? null : isoTimestamp(row.started_at),
    finished_at: row.finished_at === null ? null : isoTimestamp(row.finished_at),
    duration_ms: took,
  };
}

const queueOfRow = ({ task }: TaskRow): string | null =>
  task === UNDELIVERED ? "dead-letters" : queueOf(task);

/** A payload that cannot be read may be just why its task died: then as it stands. */
function readPayload(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
