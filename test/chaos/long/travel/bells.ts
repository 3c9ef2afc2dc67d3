import { testClock } from "../../../support/clock.ts";
import { MINUTE, SECOND, type World } from "./world.ts";

interface Bell {
  queue: string;
  id: string;
  /** Milliseconds. */
  due: number;
}

/** The queues of work: what is sent into them may be lost, come twice, late, and in any order. */
export class Bells {
  readonly #world: World;
  #ringing: Bell[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get bindings() {
    return {
      ORDERS_QUEUE: this.#queue("orders"),
      PAYMENTS_QUEUE: this.#queue("payments"),
      NOTIFICATIONS_QUEUE: this.#queue("notifications"),
    };
  }

  #queue(queue: string): Queue {
    const sendBatch = async (messages: Iterable<MessageSendRequest<{ id: string }>>) => {
      for (const { body, delaySeconds = 0 } of messages) this.#ring(queue, body.id, delaySeconds * SECOND);
    };
    return { sendBatch } as unknown as Queue;
  }

  #ring(queue: string, id: string, delay: number): void {
    const { troubled, chance } = this.#world;
    const due = testClock.now() + delay;
    if (troubled && chance.odds(20)) return;
    this.#ringing.push({
      queue,
      id,
      due: troubled && chance.odds(20) ? due + chance.below(20) * MINUTE : due,
    });
    if (troubled && chance.odds(10)) this.#ring(queue, id, delay + chance.below(5) * MINUTE);
  }

  /** Delivers what is due, in batches of any size. Returns how many bells that were. */
  async deliver(): Promise<number> {
    const now = testClock.now();
    const due = this.#ringing.filter((bell) => bell.due <= now);
    this.#ringing = this.#ringing.filter((bell) => bell.due > now);
    const batches = [...Map.groupBy(due, ({ queue }) => queue)].flatMap(([queue, bells]) =>
      this.#batches(
        queue,
        bells.map(({ id }) => id),
      ).map((ids) => this.#world.consume(queue, ids)),
    );
    await Promise.all(batches);
    return due.length;
  }

  #batches(queue: string, ids: string[]): string[][] {
    const { chance, outage } = this.#world;
    // One by one where it must be known for which of them the worker did what.
    const alone = queue === "notifications" || outage;
    const batches: string[][] = [];
    for (let rest = ids; rest.length > 0; ) {
      const size = alone ? 1 : chance.between(1, 6);
      batches.push(rest.slice(0, size));
      rest = rest.slice(size);
    }
    return batches;
  }
}
