import type { OrderWire } from "../../../../src/orders/schemas.ts";
import { type Chance, chance } from "../../../support/chance.ts";
import { basket } from "../../../support/shop.ts";
import type { Provider, Word } from "./provider.ts";
import type { Staff } from "./staff.ts";
import { type Answer, MINUTE, SECOND, type World } from "./world.ts";

/** How a buyer pays by card; minutes are after the order, whose deadline is at thirty. */
const HABITS = [
  ...times(10, "early"),
  ...times(7, "late"),
  ...times(10, "at the deadline"),
  ...times(3, "never"),
  ...times(4, "twice"),
  ...times(4, "late twice"),
  ...times(2, "wrong amount"),
  ...times(1, "wrong currency"),
  ...times(2, "failed"),
  ...times(4, "failed, then paid"),
  ...times(2, "paid, then failed"),
] as const;

/** Who gets no answer asks again, so often. */
const TRIES = 5;

export interface Shopping {
  world: World;
  provider: Provider;
  staff: Staff;
}

/** One buyer with one order: asks until it is answered, pays in a way of its own, and may think better of it. */
export class Buyer {
  readonly email: string;
  order: OrderWire | null = null;
  /** What it was told of its order: nothing, that it stands, or that there was too little. */
  told: "nothing" | "placed" | "rejected" = "nothing";
  cancelAsked = false;
  cancelGranted = false;
  readonly #shopping: Shopping;
  readonly #chance: Chance;
  readonly #key: string;
  readonly #body: Record<string, unknown>;
  #tries = 0;
  #came = false;

  constructor(shopping: Shopping, seed: number, index: number) {
    this.#shopping = shopping;
    this.#chance = chance(seed * 1_000 + index);
    this.email = `buyer-${index}@shop.example`;
    this.#key = `the-key-of-buyer-${index}-in-${seed}`;
    const { productIds } = shopping.world;
    const first = this.#chance.below(productIds.length);
    const wanted = this.#chance.odds(40) ? [first, (first + 1) % productIds.length] : [first];
    const quantities = wanted.map((at) => [productIds[at] ?? "", this.#chance.between(1, 2)]);
    this.#body = basket(Object.fromEntries(quantities), {
      customer: { name: "Buyer", email: this.email },
      payment_method: this.#chance.pick(["card", "card", "card", "invoice"]),
      priority: this.#chance.pick(["low", "normal", "high"]),
    });
  }

  /** @param within milliseconds from now in which it comes by */
  comeBy(within: number): void {
    const { agenda } = this.#shopping.world;
    const at = this.#chance.below(within);
    agenda.in(at, () => this.#place());
    // Two clicks.
    if (this.#chance.odds(15)) agenda.in(at, () => this.#place());
  }

  /** After a restore, which left an order of this status, or none: then it is asked for again. */
  beginAnew(orderId: string | null, status: string | null): void {
    if (orderId !== (this.order?.id ?? null)) {
      if (this.order) this.#shopping.world.happened.push(`lost an order that was ${this.told}`);
      this.order = null;
      this.told = "nothing";
    }
    if (status !== "cancelled") this.cancelGranted = false;
    if (orderId !== null || !this.#came) return;
    this.#tries = 0;
    this.#placeAgain();
  }

  get byCard(): boolean {
    return this.#body.payment_method === "card";
  }

  async #place(): Promise<void> {
    this.#came = true;
    const { world } = this.#shopping;
    const headers = { "Idempotency-Key": this.#key };
    const heard = await world.post("/orders", { body: this.#body, headers }, 8, (answer) =>
      this.#hear(answer),
    );
    if (!heard) this.#placeAgain();
  }

  #placeAgain(): void {
    if (this.#tries++ < TRIES) {
      this.#shopping.world.agenda.in(this.#chance.between(20, 400) * SECOND, () => this.#place());
    }
  }

  #hear({ status, body }: Answer): void {
    if (status === 201 || status === 409) this.#learn(status === 201 ? "placed" : "rejected", body);
    else if (status >= 500) this.#placeAgain();
    else this.#shopping.world.complain(`${this.email} was answered ${status} ${body.code}`);
  }

  #learn(told: "placed" | "rejected", body: Answer["body"]): void {
    if (this.told !== "nothing") {
      if (this.told !== told)
        this.#shopping.world.complain(`${this.email} was told ${this.told}, then ${told}`);
      return;
    }
    this.told = told;
    this.order = told === "placed" ? body : body.order;
    if (told === "rejected") {
      // Somebody pays for an order that never was.
      if (this.#chance.odds(12)) this.#pay(this.#chance.between(1, 60) * MINUTE, { amount: 1999 });
      return;
    }
    if (this.byCard) this.#payByCard();
    // By card after all.
    else if (this.#chance.odds(10)) {
      for (let times = this.#chance.between(1, 2); times > 0; times--)
        this.#pay(this.#chance.below(120) * MINUTE);
    }
    if (this.#chance.odds(24)) this.#cancel();
    this.#shopping.staff.lookAfter(this.#chance, this);
  }

  #payByCard(): void {
    const { world, provider } = this.#shopping;
    const habit = this.#chance.pick(HABITS);
    if (habit === "never") return;
    if (provider.opensPayments) world.agenda.in(this.#chance.below(4) * MINUTE, () => this.#open());
    const early = this.#chance.between(1, 25) * MINUTE;
    const late = this.#chance.between(31, 100) * MINUTE;
    const soon = this.#chance.between(0, 10) * MINUTE;
    const untilDeadline = Date.parse(this.order?.expires_at ?? "") - Date.parse(this.order?.created_at ?? "");
    const atLast = untilDeadline + this.#chance.pick([-3 * MINUTE, -MINUTE, -1, -1, 0, 1]);
    switch (habit) {
      case "early":
        this.#pay(early);
        break;
      case "late":
        this.#pay(late);
        break;
      case "at the deadline":
        this.#pay(atLast);
        world.agenda.in(untilDeadline, () => world.sweep());
        if (this.#chance.odds(25)) world.agenda.in(atLast, () => this.#askToCancel());
        break;
      case "twice":
        this.#pay(early);
        this.#pay(early + soon, { intent: this.#chance.pick(["same", "foreign", "foreign"]) });
        break;
      case "late twice":
        this.#pay(late);
        this.#pay(late + this.#chance.pick([0, soon]), { intent: "foreign" });
        break;
      case "wrong amount":
        this.#pay(early, { amount: this.#total + this.#chance.pick([-100, 100]) });
        if (this.#chance.odds(40)) this.#pay(late);
        break;
      case "wrong currency":
        this.#pay(early, { currency: "EUR" });
        break;
      case "failed":
        this.#pay(this.#chance.pick([early, late]), { kind: "failed" });
        break;
      case "failed, then paid":
        this.#pay(early, { kind: "failed" });
        if (provider.opensPayments && this.#chance.odds(60)) {
          world.agenda.in(early + 5 * MINUTE, () => this.#open());
        }
        this.#pay(early + this.#chance.between(0, 30) * MINUTE);
        break;
      case "paid, then failed":
        this.#pay(early);
        this.#pay(early, { kind: "failed" });
        break;
    }
  }

  get #total(): number {
    return Math.round(Number(this.order?.totals?.total.amount ?? 0) * 100);
  }

  /** @param delay milliseconds from now */
  #pay(delay: number, word: Partial<Word> = {}): void {
    const { world, provider } = this.#shopping;
    const { order } = this;
    if (!order) return;
    const whole = { kind: "succeeded" as const, amount: this.#total, currency: "USD", ...word };
    world.agenda.in(delay, () => provider.tell(order.reference, whole));
  }

  get owner(): Record<string, string> {
    return { "X-Order-Token": this.order?.access_token ?? "" };
  }

  async #open(tries = 1): Promise<void> {
    const { world } = this.#shopping;
    let opened = false;
    await world.post(`/orders/${this.order?.id}/payments`, { headers: this.owner }, 5, ({ status }) => {
      opened = status < 500;
      if (![201, 409].includes(status) && opened && !world.mayBeGone(status))
        world.complain(`a payment was answered ${status}`);
    });
    if (!opened && tries < TRIES) world.agenda.in(30 * SECOND, () => this.#open(tries + 1));
  }

  #cancel(): void {
    const at = this.#chance.pick([
      this.#chance.below(10),
      this.#chance.below(30),
      30,
      this.#chance.between(30, 90),
      this.#chance.between(60, 180),
    ]);
    this.#shopping.world.agenda.in(at * MINUTE, () => this.#askToCancel());
  }

  async #askToCancel(tries = 1): Promise<void> {
    const { world } = this.#shopping;
    const headers = { ...this.owner, "Idempotency-Key": `the-cancel-of-${this.email}` };
    this.cancelAsked = true;
    const heard = await world.post(
      `/orders/${this.order?.id}/cancel`,
      { body: {}, headers },
      7,
      ({ status }) => {
        if (status === 200) this.cancelGranted = true;
        else if (status !== 409 && status < 500 && !world.mayBeGone(status))
          world.complain(`a cancel was answered ${status}`);
      },
    );
    if (!heard && tries < 3 && this.#chance.odds(60)) {
      world.agenda.in(this.#chance.between(1, 20) * MINUTE, () => this.#askToCancel(tries + 1));
    }
  }
}

function times<const T extends string>(count: number, habit: T): T[] {
  return Array.from({ length: count }, () => habit);
}
