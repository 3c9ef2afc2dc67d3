import { type Sql, sql, trusted } from "../../platform/sql.ts";

/** Whether a commit has won an order: the stamp rule's condition for all that comes with it. @param id SQL for its id */
export const wonOrder = (id: Sql, stamp: string): Sql =>
  sql`EXISTS (SELECT 1 FROM orders AS o WHERE o.id = ${id} AND o.stamp = ${stamp})`;

/** For events and tasks: the order that they are about. */
export const ITS_OBJECT = trusted("row.value ->> 'object_id'");
