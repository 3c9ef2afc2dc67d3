import { jsonParameter } from "../platform/d1.ts";

/** One change, for the ordered log. */
export interface NewEvent {
  id: string;
  /** `order.placed`, `product.updated`: the object, then what happened to it. */
  type: string;
  at: number;
  object_type: "order" | "payment" | "product" | "task";
  object_id: string;
  object_version: number;
  data: Record<string, unknown>;
}

/** One task that must happen once because of a change. */
export interface NewWork {
  id: string;
  task: TaskName;
  /** The order, or other thing, that it is about. */
  object_id: string;
  payload: Record<string, unknown>;
  /** When it came to be owed: now, to the batch that owes it; milliseconds. */
  at: number;
  /** Not to be begun before, milliseconds. */
  not_before: number;
  request_id: string;
}

export type TaskName =
  | "email"
  | "end-payments"
  | "follow"
  | "fulfilment-step"
  | "payment-event"
  | "reconcile"
  | "refund"
  | "restock";

/**
 * A condition under which a row of a batch is written: SQL about `row.value`, the JSON of the event or work, with its
 * parameters numbered from ?2. Under the stamp rule it asks whether this batch's nonce stands on what the row is about,
 * so what lost its race writes nothing.
 */
export interface Guard {
  sql: string;
  parameters: unknown[];
}

export const ALWAYS: Guard = { sql: "1", parameters: [] };

/** Appends to the log, in the batch of the change itself. */
export function appendEvents(db: D1Database, rows: NewEvent[], guard: Guard): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO events (id, type, at, object_type, object_id, object_version, data)
       SELECT row.value ->> 'id', row.value ->> 'type', row.value ->> 'at', row.value ->> 'object_type',
              row.value ->> 'object_id', row.value ->> 'object_version', row.value -> 'data'
       FROM json_each(?1) AS row WHERE ${guard.sql} ORDER BY row.key`,
    )
    .bind(jsonParameter(rows), ...guard.parameters);
}

/** Writes down what is owed, in the batch of the change that owes it. Ring for it after the answer. */
export function oweWork(db: D1Database, rows: NewWork[], guard: Guard): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, request_id, created_at)
       SELECT row.value ->> 'id', row.value ->> 'task', row.value ->> 'object_id', row.value -> 'payload', 'owed',
              row.value ->> 'not_before', 0, row.value ->> 'request_id', row.value ->> 'at'
       FROM json_each(?1) AS row WHERE ${guard.sql}`,
    )
    .bind(jsonParameter(rows), ...guard.parameters);
}
