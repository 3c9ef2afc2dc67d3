import { createMessageBatch } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { stockOf } from "../../../../src/inventory/client.ts";
import { type Chance, chance } from "../../../support/chance.ts";
import { testClock } from "../../../support/clock.ts";
import { givenShop } from "../../../support/shop.ts";
import worker, { deskEnv } from "../../../support/worker.ts";
import { Boundary, ENDINGS, type Ending } from "../../boundary.ts";
import { brokenInvariants, type Opening } from "../../invariants.ts";
import { brokenMoney } from "../../money.ts";
import { executionContext, wakeObject } from "../../stage.ts";
import { Agenda } from "./agenda.ts";
import { Bells } from "./bells.ts";
import { StripeNetwork } from "./stripe-network.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const PRICE = 1999;

/** How one worker, or one alarm, is to end. */
export interface Peril {
  /** What it is the worker of. */
  part: string;
  boundary: Boundary;
  ending: Ending | null;
  /** Whether it came to that. */
  met: boolean;
}

/** What dies in an object fails: its own turn cannot be left hanging, nor be gone on with from outside. */
const IN_OBJECT: Ending[] = ["dies before", "dies after", "call fails", "answer lost"];

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire has the type that its hearer expects
  body: any;
}

export interface Shop {
  provider: "standard" | "stripe";
  fulfilment: "manual" | "simulated";
  /** Units of each product in each store. */
  stock: number[][];
  /** Minutes after which a worker that stalls goes on, at most. */
  longestSleep: number;
}

/**
 * A shop, and all that may go wrong around it: workers that end at any call, bells that are lost or come twice, and
 * a clock that only this moves. With `troubled` off nothing goes wrong any more.
 */
export class World {
  troubled = true;
  /** While it lasts no payment task can be done. */
  outage = false;
  /** Whether units are found in the back. While the shop is saved or restored, nobody could say in which history they are. */
  restocks = true;
  /** How often the shop was restored. */
  history = 0;
  /** From the moment in which a restore begins: what an actor knows of may be gone. */
  mayForget = false;
  readonly agenda = new Agenda();
  readonly bells: Bells;
  readonly stripe = new StripeNetwork(this);
  /** Mails that were sent, by the work that owed them: under which peril each sender stood. */
  readonly mails = new Map<string, Peril[]>();
  /** What actors heard and must never hear. */
  readonly complaints: string[] = [];
  /** What must have happened in some shop. */
  readonly happened: string[] = [];
  readonly productIds: string[];
  readonly storeIds: string[];
  opening: Opening;
  readonly chance: Chance;
  readonly #settings: Record<string, unknown>;
  readonly #perils: Peril[] = [];
  /** Workers that stall. */
  readonly #asleep = new Set<Peril>();
  /** How many workers of each part were given an ending; it begins with the seed, so that shops begin differently. */
  readonly #ended = new Map<string, number>();
  readonly #seed: number;
  readonly #longestSleep: number;

  private constructor(seed: number, shop: Shop, given: { productIds: string[]; storeIds: string[] }) {
    this.#seed = seed;
    this.#longestSleep = shop.longestSleep;
    this.chance = chance(seed);
    this.productIds = given.productIds;
    this.storeIds = given.storeIds;
    this.opening = new Map(
      given.productIds.map((id, index) => [id, (shop.stock[index] ?? []).reduce((sum, one) => sum + one, 0)]),
    );
    this.bells = new Bells(this);
    this.#settings = {
      HOLD_SECONDS: "300",
      FULFILMENT: shop.fulfilment,
      FULFILMENT_STEP_SECONDS: "240",
      PAYMENT_PROVIDER: shop.provider,
      STRIPE_SECRET_KEY: "sk_test_holdfast",
      STRIPE_WEBHOOK_SECRET: "whsec_stripe_test",
    };
  }

  static async open(seed: number, shop: Shop): Promise<World> {
    const given = await givenShop(shop.stock, { price: PRICE });
    // The nightly look would mend what must not break in the first place.
    await env.DB.prepare("INSERT OR REPLACE INTO jobs (name, enabled) VALUES ('reconcile-stock', 0)").run();
    const world = new World(seed, shop, given);
    deskEnv.current = () => world.#deskEnv();
    return world;
  }

  complain(of: string): void {
    this.complaints.push(of);
  }

  /**
   * Every third worker is to end, and those of one part by turns in each way: a part with few workers would by chance
   * alone miss some ways now and then.
   *
   * @param calls about how many calls there are to end at
   */
  peril(part: string, calls: number, endings: Ending[] = ["stalls", ...ENDINGS], where = {}): Peril {
    let ending: Ending | null = null;
    if (this.troubled && this.chance.odds(32)) {
      const turn = this.#ended.get(part) ?? this.#seed;
      this.#ended.set(part, turn + 1);
      ending = endings[turn % endings.length] ?? null;
    }
    return this.#remember(part, ending, this.chance.below(calls), where);
  }

  #remember(part: string, ending: Ending | null, at: number, where = {}): Peril {
    const boundary = new Boundary(ending && { at, ending }, { withDesk: true, ...where });
    const peril = { part, boundary, ending, met: false };
    void peril.boundary.reached.then(() => {
      peril.met = true;
    });
    this.#perils.push(peril);
    return peril;
  }

  /** Waits for a worker's work to be over, or for the worker to be dead or stalled. */
  async #endure(peril: Peril, work: Promise<unknown>): Promise<void> {
    const { boundary, ending } = peril;
    const over = work.then(
      () => {},
      () => {},
    );
    const { agenda } = this;
    const later = this.chance.between(1, this.#longestSleep) * MINUTE;
    switch (ending) {
      case "dies before":
      case "dies after":
        return Promise.race([over, boundary.reached]);
      case "stalls":
        return Promise.race([
          over,
          boundary.reached.then(() => {
            this.#asleep.add(peril);
            agenda.in(later, () => {
              this.#asleep.delete(peril);
              boundary.wake();
              return over;
            });
          }),
        ]);
      case "comes late":
        void boundary.reached.then(() => agenda.in(later, () => boundary.deliver()));
        return over;
      case "call fails":
      case "answer lost":
      case null:
        return over;
    }
  }

  #env(peril: Peril, workId = ""): Cloudflare.Env {
    const send = async () => {
      this.mails.set(workId, [...(this.mails.get(workId) ?? []), peril]);
    };
    return peril.boundary.watch({
      ...env,
      ...this.#settings,
      ...this.bells.bindings,
      STRIPE_API_URL: this.stripe.addressFor(peril),
      EMAIL: { send } as unknown as SendEmail,
    } as Cloudflare.Env);
  }

  /** For a group of orders at the desk. What dies in an object fails, as in an alarm. */
  #deskEnv(): Cloudflare.Env {
    return this.#env(this.peril("desk", 6, IN_OBJECT, { inObject: true }));
  }

  /**
   * A POST through the whole Worker. `listen` hears the answer whenever it comes, a stalled worker's too. Returns
   * whether it came at once.
   */
  async post(
    path: string,
    { body, headers }: { body?: unknown; headers?: Record<string, string> },
    calls: number,
    listen: (answer: Answer) => void,
  ): Promise<boolean> {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    // Such as `orders`, `cancel`, `payments`.
    const part = path.split("/").findLast((word) => /^[a-z-]+$/.test(word)) ?? path;
    const peril = this.peril(part, calls);
    const deferred: Promise<unknown>[] = [];
    const request = new Request(`http://shop.test/api/v1${path}`, {
      method: "POST",
      headers: { ...(text === undefined ? {} : { "content-type": "application/json" }), ...headers },
      body: text ?? null,
    });
    let heard = false;
    const { history } = this;
    const work = Promise.resolve(
      worker.fetch(request as never, this.#env(peril), executionContext(deferred)),
    ).then(async (response) => {
      const answer = { status: response.status, body: await response.json() };
      heard = true;
      if (answer.status === 500 && peril.ending === null) this.complain(`${path} answered 500`);
      // What was answered of a history that is gone, is no more.
      if (history === this.history) listen(answer);
      await Promise.all(deferred);
    });
    await this.#endure(peril, work);
    return heard;
  }

  /** A request through the whole Worker, to which nothing happens. */
  async fetch(request: Request): Promise<Response> {
    const deferred: Promise<unknown>[] = [];
    const environment = this.#env(this.#remember("operator", null, 0));
    const response = await worker.fetch(request as never, environment, executionContext(deferred));
    await Promise.all(deferred);
    return response;
  }

  /** What comes next, with all that rushes after it, at once. */
  async happen(): Promise<void> {
    const acts = this.agenda.next(this.chance.pick([0, 5 * SECOND, 2 * MINUTE]));
    await Promise.all([...acts.map((act) => act()), this.bells.deliver()]);
  }

  /** After a restore. @param mailed the work whose mails were sent in the history that is left */
  beginAnew(opening: Opening, mailed: Set<string>): void {
    this.history++;
    this.opening = new Map(opening);
    this.mails.clear();
    for (const work of mailed) this.mails.set(work, []);
    if (this.#asleep.size > 0) this.happened.push("slept through a restore");
  }

  /** Whether an actor may hear that there is no such thing. */
  mayBeGone(status: number): boolean {
    return status === 404 && this.mayForget;
  }

  /** A batch of a queue, consumed by a worker of its own. */
  async consume(queue: string, ids: string[]): Promise<void> {
    const struck = this.outage && queue === "payments";
    // Call 0 takes the rows, and call 1 is the first of the work.
    const peril = struck
      ? this.#remember("outage", "call fails", 1)
      : this.peril(`queue of ${queue}`, queue === "notifications" ? 4 : 9);
    const messages = ids.map((id, index) => ({
      id: `message-${index}`,
      timestamp: new Date(testClock.now()),
      attempts: 1,
      body: { id },
    }));
    const deferred: Promise<unknown>[] = [];
    const work = Promise.resolve(
      worker.queue(createMessageBatch(queue, messages), this.#env(peril, ids[0]), executionContext(deferred)),
    );
    await this.#endure(
      peril,
      work.then(() => Promise.all(deferred)),
    );
  }

  /** The minute's cron. */
  async sweep(): Promise<void> {
    const peril = this.peril("sweep", 14);
    const deferred: Promise<unknown>[] = [];
    const minute = { scheduledTime: testClock.now(), cron: "* * * * *", noRetry: () => {} };
    const work = worker.scheduled(
      minute as ScheduledController,
      this.#env(peril),
      executionContext(deferred),
    );
    await this.#endure(
      peril,
      work.then(() => Promise.all(deferred)),
    );
  }

  async wake(productId: string): Promise<void> {
    await wakeObject(productId, this.peril("alarm", 3, IN_OBJECT, { inObject: true }).boundary);
  }

  /** Units that were found in the back. */
  async restock(productId: string, quantity: number): Promise<void> {
    if (!this.restocks) return;
    const units = (this.opening.get(productId) ?? 0) + quantity;
    // Before they are there, so that a backup that begins now counts them: it reads the objects last.
    this.opening.set(productId, units);
    await stockOf(env, productId).adjust(productId, {
      operation: `restock-${units}`,
      storeId: this.storeIds[0] ?? "",
      type: "receive",
      quantity,
      reason: "found in the back",
      reference: null,
      actor: "test",
    });
  }

  async broken({ calm }: { calm: boolean }): Promise<string[]> {
    return [...(await brokenInvariants(this.opening, { calm })), ...(await brokenMoney({ calm }))];
  }

  /** How many workers of each part came to grief, and how. */
  get griefs(): string[] {
    return this.#perils.filter(({ met }) => met).map(({ part, ending }) => `${part} ${ending}`);
  }

  /** Ends all trouble: what stalled goes on, what was late arrives, what is dead is buried. */
  async calmDown(): Promise<void> {
    this.troubled = false;
    this.outage = false;
    for (const { boundary } of this.#perils) boundary.wake();
    while (!this.agenda.isEmpty) await Promise.all(this.agenda.next(60 * MINUTE).map((act) => act()));
    this.bury();
  }

  /** Ends what is dead for good: it waits for nothing any more. */
  bury(): void {
    for (const { boundary } of this.#perils) boundary.bury();
  }
}
