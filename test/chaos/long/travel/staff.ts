import { env } from "cloudflare:workers";
import type { Chance } from "../../../support/chance.ts";
import { type SignedIn, signIn } from "../../../support/sign-in.ts";
import type { Buyer } from "./buyer.ts";
import { MINUTE, type World } from "./world.ts";

type Errand = (id: string) => { path: string; body: Record<string, unknown> };

/** Who ships orders, closes them, takes them back and gives money back: in that order, and stops anywhere in it. */
export class Staff {
  /** Events whose task had died: their orders waited for them no longer. */
  readonly givenUp = new Set<string>();
  readonly #world: World;
  readonly #member: SignedIn;
  #errands = 0;

  private constructor(world: World, member: SignedIn) {
    this.#world = world;
    this.#member = member;
  }

  static async hire(world: World): Promise<Staff> {
    return new Staff(world, await signIn("staff"));
  }

  /** Plans what becomes of an order. Whatever does not fit it by then is refused. */
  lookAfter(chance: Chance, { order }: Buyer): void {
    if (!order) return;
    const [first] = order.items;
    if (!first) return;
    const one = { product_id: first.product_id, quantity: 1 };
    const storeId = first.allocations[0]?.store_id ?? "";
    const to =
      (step: string): Errand =>
      (id) => ({ path: `/orders/${id}/transitions`, body: { to: step } });
    const ship =
      (items?: unknown[]): Errand =>
      (id) => ({ path: `/orders/${id}/shipments`, body: { items } });
    const close: Errand = (id) => ({ path: `/orders/${id}/close`, body: {} });
    const takeBack =
      (restock: boolean): Errand =>
      (id) => ({
        path: `/orders/${id}/returns`,
        body: { items: [{ ...one, restock }], store_id: storeId, reason: "too small" },
      });
    const ways: Errand[][] = [
      [],
      [to("processing")],
      [ship(), to("delivered"), takeBack(true)],
      [ship(), takeBack(false), takeBack(true)],
      [ship([one]), close, to("delivered")],
      [ship([one]), ship(), takeBack(true), takeBack(true)],
      [to("processing"), ship([one]), close, takeBack(true)],
      [to("processing"), to("shipped"), to("delivered")],
    ];
    let at = chance.between(5, 130);
    for (const errand of chance.pick(ways)) {
      this.#world.agenda.in(at * MINUTE, () => this.#run(errand(order.id), chance));
      at += chance.pick([0, 1, 10, 40]);
    }
    if (chance.odds(60)) {
      this.#world.agenda.in(chance.between(20, 200) * MINUTE, () => this.#giveBackSome(order.id, chance));
    }
  }

  async #giveBackSome(orderId: string, chance: Chance): Promise<void> {
    const payment = await env.DB.prepare("SELECT id FROM payments WHERE order_id = ?1 AND captured > 0")
      .bind(orderId)
      .first<{ id: string }>();
    if (!payment) return;
    const body = { amount: chance.pick(["4.50", "19.99"]), reason: GOODWILL };
    await this.#run({ path: `/payments/${payment.id}/refund`, body }, chance);
  }

  async #run(
    errand: ReturnType<Errand>,
    chance: Chance,
    key = `errand-${this.#errands++}`,
    tries = 1,
  ): Promise<void> {
    const headers = { ...this.#member.headers, "Idempotency-Key": key };
    const { path, body } = errand;
    const heard = await this.#world.post(path, { body, headers }, 6, ({ status }) => {
      if (![200, 201, 409].includes(status) && status < 500 && !this.#world.mayBeGone(status))
        this.#world.complain(`${path} was answered ${status}`);
    });
    if (!heard && tries < 3 && chance.odds(70)) {
      const again = () => this.#run(errand, chance, key, tries + 1);
      this.#world.agenda.in(chance.between(1, 20) * MINUTE, again);
    }
  }

  /** Has all that died tried again. */
  async retryTheDead(): Promise<void> {
    const { results } = await env.DB.prepare(
      "SELECT payload ->> 'event_id' AS event FROM work WHERE state = 'dead' AND task = 'payment-event'",
    ).all<{ event: string }>();
    for (const { event } of results) this.givenUp.add(event);
    await this.#world.post(
      "/dead-letters/retry",
      { body: {}, headers: this.#member.headers },
      4,
      ({ status }) => {
        if (status !== 200 && status < 500) this.#world.complain(`the dead letters were answered ${status}`);
      },
    );
  }
}

/** Why staff gave some of it back. */
export const GOODWILL = "a scratch";
