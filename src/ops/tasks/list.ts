import { queueOf } from "../../events/tasks.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { type List, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { type Sql, sql, trusted } from "../../platform/sql.ts";
import { UNDELIVERED } from "../keep-undelivered.ts";
import { TASK_COLUMNS, type TaskRow } from "./rows.ts";
import type { DeadLetterQuery, DeadLetterWire, TaskQuery, TaskWire } from "./schemas.ts";

/** Dead tasks, the last to die first. They are few among many, and have an index of their own. */
export async function listDeadLetters(
  { env }: Context,
  query: DeadLetterQuery,
): Promise<List<DeadLetterWire>> {
  const page = await readPage<TaskRow>(
    env.DB,
    {
      select: TASK_COLUMNS,
      ...inState("dead"),
      ...ofTask(query.task),
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
 * All tasks, the last made first, by their ids: those of messages that nobody took are no ulids, and stand before all. Those
 * that are done are nearly all: they are the others left out. Pending ones and dead ones are read by the index of their
 * state: pending tasks with the latest due time first, dead ones with the latest end first.
 */
export async function listTasks({ env }: Context, query: TaskQuery): Promise<List<TaskWire>> {
  const { state, task } = query;
  const source = state === undefined || state === "done" ? BY_ID : inState(state);
  const filter = [...(state === "done" ? [sql`w.state = 'done'`] : []), ...(ofTask(task).filter ?? [])];
  const page = await readPage<TaskRow & { place: number }>(
    env.DB,
    {
      select: sql`${trusted(source.key ?? "0")} AS place, ${TASK_COLUMNS}`,
      ...source,
      ...(filter.length === 0 ? {} : { filter }),
      id: "w.id",
      direction: "DESC",
    },
    query,
  );
  const cursorOf = (row: { place: number; id: string }) => ({ key: row.place, id: row.id });
  return toList(query, page.rows, page.counted, cursorOf, renderTask, page.stopped);
}

const BY_ID = { from: "work AS w", where: [], key: null };

/** How rows of one state are read. The condition is spelled out, or SQLite would not use the partial index. */
const inState = (state: "owed" | "dead") => ({
  from: `work AS w INDEXED BY work_${state === "owed" ? "due" : state}`,
  where: [trusted(`w.state = '${state}'`)],
  key: state === "owed" ? "w.not_before" : "w.finished_at",
});

/** Filters while reading. An index by task would cost each order a write. */
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

/** A payload that is no JSON may be the very reason why its task died: it is given as it stands. */
function readPayload(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
