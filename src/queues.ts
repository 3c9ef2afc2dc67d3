import { z } from "zod";
import { runTasks, type TaskHandlers } from "./events/work.ts";
import { applyReports } from "./inventory/projection.ts";
import type { StockReport } from "./inventory/stock-types.ts";
import { sendEmail } from "./notifications/jobs.ts";
import { keepUndelivered } from "./ops/keep-undelivered.ts";
import { continueReconciliation } from "./ops/reconcile/reconcile-all.ts";
import { restockReturn, takeStep } from "./orders/fulfilment/jobs.ts";
import { followOrder } from "./orders/jobs.ts";
import { endOpenPayments, payRefund, settlePaymentEvent } from "./payments/jobs.ts";
import type { Context } from "./platform/context.ts";
import { describeError } from "./platform/log.ts";
import { isRestoring } from "./platform/restoring.ts";

/** After the first failure. Nothing takes what the dead-letter queue gives up: its ten retries last most of a day. */
const DEAD_LETTER_RETRY_SECONDS = 60;
const REPORT_RETRY_SECONDS = 5;

type Consumer = (context: Context, batch: MessageBatch) => Promise<void>;

const TASKS: TaskHandlers = {
  email: sendEmail,
  "end-payments": endOpenPayments,
  follow: followOrder,
  "fulfilment-step": takeStep,
  "payment-event": settlePaymentEvent,
  reconcile: (context, task) => continueReconciliation(context, task),
  refund: payRefund,
  restock: restockReturn,
};

/** A message of a task: only a bell for the row that it names. */
const bellSchema = z.object({ id: z.string().min(1) });

const reportSchema: z.ZodType<StockReport> = z.object({
  productId: z.string().min(1),
  epoch: z.number(),
  version: z.number(),
  at: z.number(),
  levels: z.array(
    z.object({ storeId: z.string(), onHand: z.number(), reserved: z.number(), version: z.number() }),
  ),
});

const CONSUMERS: Record<string, Consumer> = {
  orders: answerBells,
  payments: answerBells,
  notifications: answerBells,
  default: answerBells,
  inventory: takeReports,
  "dead-letters": keepDeadLetters,
};

/** Queue name -> handler. A queue that nobody consumes here is a mistake of configuration: its batch comes again. */
export async function consume(context: Context, batch: MessageBatch): Promise<void> {
  const consumer = CONSUMERS[batch.queue];
  if (!consumer) throw new Error(`nobody consumes the queue ${batch.queue}`);
  await consumer(context, batch);
}

/**
 * Each bell that could be read is acknowledged, whatever comes of its row: attempts and backoff are the row's own,
 * and the minute sweep rings again for what could not even be taken, as during a restore.
 */
async function answerBells(context: Context, batch: MessageBatch): Promise<void> {
  const bells = readBodies(context, batch, bellSchema);
  try {
    await runTasks(
      context,
      TASKS,
      bells.map(({ body }) => body.id),
    );
  } catch (error) {
    context.log.error("work could not be taken", { error: describeError(error) });
  }
  for (const { message } of bells) message.ack();
}

/**
 * A report is in no row but only in its message: it comes again until it is applied, during a restore too. That empties
 * the projection before it fills the objects, whose reports then beat those of their former life; and the reconciliation
 * that ends it takes away what a late one still said of stores that an object no longer has.
 */
async function takeReports(context: Context, batch: MessageBatch): Promise<void> {
  const reports = readBodies(context, batch, reportSchema);
  if (reports.length === 0) return;
  try {
    await applyReports(
      context,
      reports.map(({ body }) => body),
    );
    for (const { message } of reports) message.ack();
  } catch (error) {
    context.log.error("stock reports could not be applied", { error: describeError(error) });
    for (const { message } of reports)
      message.retry({ delaySeconds: backoffSeconds(REPORT_RETRY_SECONDS, message.attempts) });
  }
}

async function keepDeadLetters(context: Context, batch: MessageBatch): Promise<void> {
  try {
    // It would be overwritten with the table that keeps it.
    if (await isRestoring(context)) throw new Error("the shop is being restored");
    await keepUndelivered(context, batch.messages);
    batch.ackAll();
  } catch (error) {
    context.log.error("dead letters could not be kept", { error: describeError(error) });
    for (const message of batch.messages)
      message.retry({ delaySeconds: backoffSeconds(DEAD_LETTER_RETRY_SECONDS, message.attempts) });
  }
}

/** What can be read; the rest is sent again, in case a later version can, and ends among the dead letters. */
function readBodies<T>(
  context: Context,
  batch: MessageBatch,
  schema: z.ZodType<T>,
): { message: Message; body: T }[] {
  return batch.messages.flatMap((message) => {
    const read = schema.safeParse(message.body);
    if (read.success) return [{ message, body: read.data }];
    context.log.error("a message cannot be read", {
      queue: batch.queue,
      message: message.id,
      error: z.prettifyError(read.error),
    });
    message.retry();
    return [];
  });
}

/** Twice as long after each further attempt; a queue delays by twelve hours at most. */
const backoffSeconds = (first: number, attempts: number): number =>
  Math.min(first * 2 ** (attempts - 1), 43_200);
