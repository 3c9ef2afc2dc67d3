import type { Context } from "../platform/context.ts";
import { prefixed } from "../platform/ids.ts";
import { each, type Sql, sql } from "../platform/sql.ts";
import type { TaskName } from "./tasks.ts";

/** One change, for the ordered log. */
export interface NewEvent {
  id: string;
  /** What it is about, then what happened: `order.placed`, `product.updated`. */
  type: string;
  at: number;
  object_type: "order" | "payment" | "product" | "task";
  object_id: string;
  object_version: number;
  data: Record<string, unknown>;
}

/** One task that must happen once because of a change. */
export interface NewTask {
  id: string;
  task: TaskName;
  /** The order, or other thing, that it is about. */
  object_id: string;
  payload: Record<string, unknown>;
  /** When the task came to be: the time of the commit that adds it, milliseconds. */
  at: number;
  /** No worker may begin it before this time, milliseconds. */
  not_before: number;
  request_id: string;
}

/**
 * A task of this moment.
 * @param objectId the order, or other thing, that it is about
 * @param more.id where a repeat of the same change must make the same task
 * @param more.notBefore milliseconds
 */
export function newTask(
  context: Context,
  task: TaskName,
  objectId: string,
  payload: Record<string, unknown>,
  more: { id?: string; notBefore?: number } = {},
): NewTask {
  const now = context.clock.now();
  return {
    id: more.id ?? prefixed("wrk", context.ids.next()),
    task,
    object_id: objectId,
    payload,
    at: now,
    not_before: more.notBefore ?? now,
    request_id: context.requestId,
  };
}

/**
 * Appends events to the log. Belongs into the batch of the change itself, so that there is no change without its event.
 * @param when SQL: the condition under which an event is written; `row.value` is the event as JSON
 */
export const appendEvents = (rows: NewEvent[], when: Sql): Sql => sql`
  INSERT INTO events (id, type, at, object_type, object_id, object_version, data)
  SELECT row.value ->> 'id', row.value ->> 'type', row.value ->> 'at', row.value ->> 'object_type',
         row.value ->> 'object_id', row.value ->> 'object_version', row.value -> 'data'
  FROM ${each(rows)} AS row WHERE ${when} ORDER BY row.key`;

/**
 * Adds tasks. Belongs into the batch of the change that needs them, so that a worker that dies right after it loses none.
 * After the answer a wake-up is sent for them.
 * @param when as in `appendEvents`
 */
export const addTasks = (rows: NewTask[], when: Sql): Sql => sql`
  INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, request_id, created_at)
  SELECT row.value ->> 'id', row.value ->> 'task', row.value ->> 'object_id', row.value -> 'payload', 'owed',
         row.value ->> 'not_before', 0, row.value ->> 'request_id', row.value ->> 'at'
  FROM ${each(rows)} AS row WHERE ${when}`;
