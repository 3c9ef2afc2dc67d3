import { z } from "zod";
import { runTasks, type TaskHandlers } from "./events/run-tasks.ts";
import { applyReports } from "./inventory/projection/projection.ts";
import type { StockReport } from "./inventory/stock-types.ts";
import { emailSender } from "./notifications/tasks.ts";
import { keepUndelivered } from "./ops/keep-undelivered.ts";
import { continueReconciliation } from "./ops/reconcile/reconcile-all.ts";
import { restockReturn, takeStep } from "./orders/fulfilment/tasks.ts";
import { followOrder } from "./orders/steps/tasks.ts";
import { oweRefund, refundsBy } from "./payments/owe-refund.ts";
import { endOpenPayments, payRefund, settlePaymentEvent } from "./payments/tasks.ts";
import type { Context } from "./platform/context.ts";
import { describeError } from "./platform/log.ts";
import { isRestoring } from "./platform/restoring.ts";

/** The delay after a first failure. The dead-letter queue gives a message up for good, so its ten retries last most of a day. */
const DEAD_LETTER_RETRY_SECONDS = 60;
const REPORT_RETRY_SECONDS = 5;

type Consumer = (context: Context, batch: MessageBatch) => Promise<void>;

/** The handlers of one batch, whose mails share their calls. */
const handlersOf = (context: Context): TaskHandlers => ({
  email: emailSender(context),
  "end-payments": endOpenPayments,
  follow: followOrder,
  "fulfilment-step": (own, task) => takeStep(own, { oweRefund, refundsBy }, task),
  "payment-event": settlePaymentEvent,
  reconcile: (own, task) => continueReconciliation(own, task),
  refund: payRefund,
  restock: restockReturn,
});

/** A wake-up: the message only names the row of its task. */
const wakeUpSchema = z.object({ id: z.string().min(1) });

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
  orders: runWoken,
  payments: runWoken,
  notifications: runWoken,
  default: runWoken,
  inventory: takeReports,
  "dead-letters": keepDeadLetters,
};

/** A deployed queue has the name of its shop before its own: `my-shop-orders` (`npm run deploy`). */
const consumerOf = (queue: string): Consumer | undefined =>
  Object.entries(CONSUMERS).find(([name]) => queue === name || queue.endsWith(`-${name}`))?.[1];

/** Takes a batch by the name of its queue. For an unknown queue, which is a wrong configuration, it throws: the batch comes again. */
export async function consume(context: Context, batch: MessageBatch): Promise<void> {
  const consumer = consumerOf(batch.queue);
  if (!consumer) throw new Error(`nobody consumes the queue ${batch.queue}`);
  await consumer(context, batch);
}

/**
 * Runs the tasks that messages name. Every message that could be read is acknowledged, whatever becomes of its task:
 * attempts and backoff are in the row, and the sweep of each minute wakes tasks that could not be leased, as during a
 * restore.
 */
async function runWoken(context: Context, batch: MessageBatch): Promise<void> {
  const woken = readBodies(context, batch, wakeUpSchema);
  await runTasks(
    context,
    handlersOf(context),
    woken.map(({ body }) => body.id),
  );
  for (const { message } of woken) message.ack();
}

/**
 * Applies reports of Stock objects. A report is stored nowhere but in its message, so the message comes again until it is
 * applied, during a restore too. A restore empties the projection before it fills the objects, and their new reports have
 * a higher epoch than older ones. Rows of stores that an object no longer has, which a late report may bring back, are
 * deleted by the reconciliation that ends the restore.
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
    // The restore would overwrite the table that keeps them.
    if (await isRestoring(context)) throw new Error("the shop is being restored");
    await keepUndelivered(context, batch.messages);
    batch.ackAll();
  } catch (error) {
    context.log.error("dead letters could not be kept", { error: describeError(error) });
    for (const message of batch.messages)
      message.retry({ delaySeconds: backoffSeconds(DEAD_LETTER_RETRY_SECONDS, message.attempts) });
  }
}

/** The messages that can be read. Others come again, in case a later version can read them, and end as dead letters. */
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

/** Doubles with each attempt, up to the twelve hours that a queue can delay a message. */
const backoffSeconds = (first: number, attempts: number): number =>
  Math.min(first * 2 ** (attempts - 1), 43_200);
