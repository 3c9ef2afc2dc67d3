import { env } from "cloudflare:workers";
import { standardHeaders, stripeHeaders } from "../../../payments/tell.ts";
import { type Chance, chance } from "../../../support/chance.ts";
import { testClock } from "../../../support/clock.ts";
import { MINUTE, SECOND, type World } from "./world.ts";

/** What a provider has to say of an order's money. */
export interface Word {
  kind: "succeeded" | "failed";
  /** Minor units. */
  amount: number;
  currency: string;
  /** Stripe: in the name of the order's first intent again, or of one that the shop does not know. */
  intent?: "same" | "foreign";
}

/** A webhook, as often as it takes. */
interface Message {
  eventId: string;
  body: string;
}

/** What was told, and when it was first answered 200: from then on it is Holdfast's to work off. */
export interface Told extends Word {
  eventId: string;
  reference: string;
  answeredAt: number | null;
}

/** Gives up a webhook that nobody answers, after so many tries. */
const TRIES = 6;

/**
 * Takes buyers' money, and tells of it by webhooks that are dropped, repeated and out of order: each is sent again
 * until it is answered, or given up. What it is asked to send back it sends back, and tells of that too.
 */
export abstract class Provider {
  readonly told: Told[] = [];
  protected readonly world: World;
  protected readonly chance: Chance;
  readonly #bodies = new Map<string, string>();
  #events = 0;

  constructor(world: World, seed: number) {
    this.world = world;
    this.chance = chance(seed + 1_000_000);
  }

  /** Whether a payment is opened before it is made. */
  abstract readonly opensPayments: boolean;
  protected abstract sign(body: string): Promise<{ path: string; headers: Record<string, string> }>;
  protected abstract write(eventId: string, reference: string, word: Word): Promise<string>;
  /** Refunds that were asked for, by their ids, with each amount that was asked for under it. */
  abstract refundsAsked(): Promise<Map<string, number[]>>;
  /** Has `payOut` begin at the first refund again: nobody may know of them any more. */
  protected abstract payOutAnew(): void;
  /** Sends back what it was asked for since the last time, and tells of it. */
  abstract payOut(): Promise<void>;

  /** Has a payment succeed or fail at that moment, and tells of it from then on. */
  async tell(reference: string, word: Word): Promise<void> {
    const eventId = `evt_${this.#events++}_of_${reference}`;
    const told: Told = { ...word, eventId, reference, answeredAt: null };
    this.told.push(told);
    this.#bodies.set(eventId, await this.write(eventId, reference, word));
    await this.#tellAgain(told);
  }

  async #tellAgain(told: Told): Promise<void> {
    const { eventId } = told;
    await this.deliver({ eventId, body: this.#bodies.get(eventId) ?? "" }, (at) => {
      told.answeredAt = Math.min(told.answeredAt ?? at, at);
    });
  }

  /** After a restore. Of what is not kept any more some is told again, as an operator asks for. */
  beginAnew(kept: Set<string>): void {
    for (const told of this.told) {
      if (kept.has(told.eventId)) continue;
      told.answeredAt = null;
      if (this.#bodies.has(told.eventId) && this.chance.odds(60))
        this.world.agenda.in(this.chance.below(90) * MINUTE, () => this.#tellAgain(told));
    }
    this.payOutAnew();
  }

  /** Sends a webhook until it is answered. */
  protected async deliver(message: Message, answered: (at: number) => void, tries = 1): Promise<void> {
    const { agenda, troubled } = this.world;
    const again = () => this.deliver(message, answered, tries + 1);
    const dropped = troubled && this.chance.odds(18);
    if (!dropped) {
      const twice = troubled && this.chance.odds(12);
      const heard = await Promise.all([
        this.#send(message, answered),
        ...(twice ? [this.#send(message, answered)] : []),
      ]);
      if (heard.includes(true)) {
        // Told once more although it was answered.
        if (troubled && this.chance.odds(12)) agenda.in(this.chance.between(1, 90) * MINUTE, again);
        return;
      }
    }
    if (tries < TRIES) agenda.in(this.chance.between(10, 600) * SECOND, again);
  }

  async #send({ eventId, body }: Message, answered: (at: number) => void): Promise<boolean> {
    const at = testClock.now();
    const { path, headers } = await this.sign(body);
    let stored = false;
    await this.world.post(path, { body, headers }, 2, ({ status }) => {
      if (status === 200 || status === 202) {
        stored = true;
        answered(at);
      } else if (status < 500) this.world.complain(`${eventId} was answered ${status}`);
    });
    return stored;
  }
}

/** Speaks Standard Webhooks, and reads what it is asked for in the event log. */
export class StandardProvider extends Provider {
  readonly opensPayments = false;
  #readUpTo = 0;
  /** Whether it names the refund that it settles, or only the order and the amount. */
  readonly #namesRefunds = this.chance.odds(50);

  protected async sign(body: string) {
    return { path: "/webhooks/payments/standard", headers: standardHeaders(body) };
  }

  protected async write(
    eventId: string,
    reference: string,
    { kind, amount, currency }: Word,
  ): Promise<string> {
    const status = kind === "succeeded" ? "success" : "failed";
    return JSON.stringify({ event_id: eventId, reference, status, amount, currency });
  }

  async #requested(after = 0) {
    const { results } = await env.DB.prepare(
      `SELECT seq, data ->> 'refund_id' AS refund, data ->> 'reference' AS reference, data ->> '$.amount.amount' AS amount
       FROM events WHERE type = 'refund.requested' AND seq > ?1 ORDER BY seq`,
    )
      .bind(after)
      .all<{ seq: number; refund: string; reference: string; amount: string }>();
    return results.map((row) => ({ ...row, amount: Math.round(Number(row.amount) * 100) }));
  }

  async refundsAsked(): Promise<Map<string, number[]>> {
    const asked = new Map<string, number[]>();
    for (const { refund, amount } of await this.#requested()) {
      asked.set(refund, [...(asked.get(refund) ?? []), amount]);
    }
    return asked;
  }

  async payOut(): Promise<void> {
    const requested = await this.#requested(this.#readUpTo);
    this.#readUpTo = requested.at(-1)?.seq ?? this.#readUpTo;
    for (const { refund, reference, amount } of requested) {
      // Some are never told of, and stay `sent`.
      if (this.chance.odds(8)) continue;
      const eventId = `evt_of_${refund}`;
      const named = this.#namesRefunds ? { refund_id: refund } : {};
      const body = JSON.stringify({ event_id: eventId, reference, status: "refunded", amount, ...named });
      this.world.agenda.in(this.chance.below(60) * MINUTE, () => this.deliver({ eventId, body }, () => {}));
    }
  }

  protected payOutAnew(): void {
    this.#readUpTo = 0;
  }
}

/** Speaks as Stripe does, by its stub. */
export class StripeProvider extends Provider {
  readonly opensPayments = true;
  readonly #told = new Set<string>();

  protected async sign(body: string) {
    return { path: "/webhooks/payments/stripe", headers: await stripeHeaders(body) };
  }

  protected async write(eventId: string, reference: string, word: Word): Promise<string> {
    const known = word.intent === "foreign" ? [] : this.world.stripe.intentsOf(reference);
    const intent =
      (word.intent === "same" ? known[0] : known.at(-1)) ??
      (await this.world.stripe.makeIntent(reference, word.amount));
    const type = word.kind === "succeeded" ? "payment_intent.succeeded" : "payment_intent.payment_failed";
    const object = {
      ...intent,
      amount: word.amount,
      amount_received: word.kind === "succeeded" ? word.amount : 0,
      currency: word.currency.toLowerCase(),
    };
    return JSON.stringify({ id: eventId, object: "event", type, data: { object } });
  }

  async refundsAsked(): Promise<Map<string, number[]>> {
    const asked = new Map<string, number[]>();
    for (const { path, key, fields } of this.world.stripe.stub.calls) {
      if (path !== "/v1/refunds" || key === null) continue;
      asked.set(key, [...(asked.get(key) ?? []), Number(fields.amount)]);
    }
    return asked;
  }

  protected payOutAnew(): void {
    this.#told.clear();
  }

  async payOut(): Promise<void> {
    for (const refund of this.world.stripe.stub.refunds.values()) {
      const id = String(refund.id);
      if (this.#told.has(id) || refund.status === "failed") continue;
      this.#told.add(id);
      if (this.chance.odds(8)) continue;
      const object = { ...refund, status: "succeeded" };
      const body = JSON.stringify({
        id: `evt_of_${id}`,
        object: "event",
        type: "refund.updated",
        data: { object },
      });
      this.world.agenda.in(this.chance.below(60) * MINUTE, () =>
        this.deliver({ eventId: id, body }, () => {}),
      );
    }
  }
}
