import type { TaskHandlers } from "./events/work.ts";
import { sendEmail } from "./notifications/jobs.ts";
import { followOrder } from "./orders/jobs.ts";
import type { Context } from "./platform/context.ts";

const handlers: TaskHandlers = { email: sendEmail, follow: followOrder };

/** Queue name -> handler. */
export async function consume(_context: Context, _batch: MessageBatch): Promise<void> {
  void handlers;
}
