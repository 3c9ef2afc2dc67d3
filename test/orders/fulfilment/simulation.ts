import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { testClock } from "../../support/clock.ts";
import worker from "../../support/worker.ts";

interface WakeUp {
  id: string;
  delaySeconds: number;
  due: number;
}

/**
 * A shop whose fulfilment is simulated, with an `orders` queue that the test itself delivers: the queue of the tests'
 * own Worker would be answered under the tests' own settings, by hand.
 */
export class Simulation {
  /** All that was rung for, and is not delivered yet. */
  bells: WakeUp[] = [];
  readonly settings: Record<string, unknown>;

  constructor(settings: Record<string, unknown> = {}) {
    const sendBatch = async (messages: Iterable<MessageSendRequest<{ id: string }>>) => {
      for (const { body, delaySeconds = 0 } of messages) {
        this.bells.push({ id: body.id, delaySeconds, due: testClock.now() + delaySeconds * 1_000 });
      }
    };
    this.settings = {
      FULFILMENT: "simulated",
      FULFILMENT_STEP_SECONDS: "5",
      ORDERS_QUEUE: { sendBatch },
      ...settings,
    };
  }

  get env(): Cloudflare.Env {
    return { ...env, ...this.settings } as Cloudflare.Env;
  }

  /** Delivers what is due, or all that is there, in one batch. Returns how many bells that were. */
  async deliver(given = this.env, { early = false } = {}): Promise<number> {
    const now = testClock.now();
    const due = this.bells.filter((bell) => early || bell.due <= now);
    this.bells = this.bells.filter((bell) => !due.includes(bell));
    await this.wakeUp(
      due.map(({ id }) => id),
      given,
    );
    return due.length;
  }

  /** One batch of the `orders` queue, with all that its handling does afterwards. */
  async wakeUp(ids: string[], given = this.env): Promise<void> {
    if (ids.length === 0) return;
    const messages = ids.map((id, index) => ({
      id: `m${index}`,
      timestamp: testClock.now(),
      attempts: 1,
      body: { id },
    }));
    const batch = createMessageBatch("orders", messages);
    const execution = createExecutionContext();
    await worker.queue(batch, given, execution);
    const { explicitAcks } = await getQueueResult(batch, execution);
    expect(explicitAcks).toHaveLength(ids.length);
  }

  /** The minute sweep, and what it rings for. */
  async sweep(): Promise<void> {
    const deferred: Promise<unknown>[] = [];
    await worker.scheduled(
      { scheduledTime: testClock.now(), cron: "* * * * *", noRetry: () => {} } as ScheduledController,
      this.env,
      { waitUntil: (work: Promise<unknown>) => void deferred.push(work) } as unknown as ExecutionContext,
    );
    await Promise.all(deferred);
    await this.deliver();
  }
}
