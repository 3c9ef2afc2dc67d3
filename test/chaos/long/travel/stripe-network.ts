import { StripeStub } from "../../../support/stripe-stub.ts";
import type { Peril, World } from "./world.ts";

/** Stripe, behind a network that fails. Each worker asks it by an address of its own, which tells whose call it is. */
export class StripeNetwork {
  readonly stub = new StripeStub();
  readonly #world: World;
  readonly #callers: Peril[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  addressFor(peril: Peril): string {
    return `http://caller-${this.#callers.push(peril) - 1}.stripe.test`;
  }

  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input as RequestInfo, init);
    const peril = this.#callers[Number(/caller-(\d+)\./.exec(request.url)?.[1])];
    if (!peril) throw new Error(`nobody calls ${request.url}`);
    const { chance, troubled } = this.#world;
    const trouble = troubled && chance.odds(15) ? chance.pick(TROUBLES) : "none";
    const refundStatus = chance.odds(12) ? "failed" : chance.odds(40) ? "pending" : "succeeded";
    return peril.boundary.cross("stripe", async () => {
      this.stub.trouble = trouble;
      this.stub.refundStatus = refundStatus;
      return this.stub.fetch(request);
    });
  };

  /** The intents of an order, the oldest first. */
  intentsOf(reference: string): Record<string, unknown>[] {
    return [...this.stub.intents.values()].filter(
      (intent) => (intent.metadata as Record<string, string>).reference === reference,
    );
  }

  /** One that the shop did not ask for: as by a payment link. */
  async makeIntent(reference: string, amount: number): Promise<Record<string, unknown>> {
    this.stub.trouble = "none";
    const response = await this.stub.fetch("http://stripe.test/v1/payment_intents", {
      method: "POST",
      headers: {
        authorization: "Bearer sk_test_holdfast",
        "content-type": "application/x-www-form-urlencoded",
      },
      body: new URLSearchParams({
        amount: String(amount),
        currency: "usd",
        "metadata[reference]": reference,
      }).toString(),
    });
    return response.json();
  }
}

const TROUBLES = ["no connection", "answers 500", "loses answers"] as const;
