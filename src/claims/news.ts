import type { Arrival, Carry, ClaimState } from "../inventory/stock-types.ts";

/** Products that are remembered at most; the one that was noted first is forgotten first. */
const MAX_PRODUCTS = 2_000;
/** Fates of one product that are remembered at most. A claim whose fate is forgotten asks for it. */
const MAX_CLAIMS = 100;

/** What one object is to hear. */
interface ForObject {
  arrival: Arrival | null;
  claims: ClaimState[];
}

/**
 * What recorded orders mean for the Stock objects, kept until the next call of each tells it: what the projection now has of
 * its levels, and which of its claims were placed. It may forget, and may be lost with its process: then the object hears
 * the same when its holds ask.
 */
export class News {
  readonly #byProduct = new Map<string, ForObject>();
  /** The restore generation that all of it is of. */
  #generation: number | undefined;

  /** What a batch has written to the projection. */
  arrived(generation: number | undefined, arrivals: Arrival[]): void {
    for (const { productId, epoch, version } of arrivals) {
      const known = this.#of(generation, productId);
      const { arrival } = known;
      const isOlder =
        arrival && (arrival.epoch > epoch || (arrival.epoch === epoch && arrival.version >= version));
      if (!isOlder) known.arrival = { productId, epoch, version };
    }
  }

  /** A claim that a living order now names, as that order has it. */
  placed(generation: number | undefined, productId: string, claim: ClaimState): void {
    const { claims } = this.#of(generation, productId);
    claims.push(claim);
    if (claims.length > MAX_CLAIMS) claims.shift();
  }

  /** Gives it away: an object need hear it once. */
  take(generation: number | undefined, productId: string): Carry {
    const news = this.#of(generation, productId);
    this.#byProduct.delete(productId);
    return { arrived: news.arrival, claims: news.claims };
  }

  /** What was said before a restore is not true after it. */
  #of(generation: number | undefined, productId: string): ForObject {
    if (generation !== this.#generation) this.#byProduct.clear();
    this.#generation = generation;
    const known = this.#byProduct.get(productId);
    if (known) return known;
    const fresh: ForObject = { arrival: null, claims: [] };
    this.#byProduct.set(productId, fresh);
    const [oldest] = this.#byProduct.keys();
    if (this.#byProduct.size > MAX_PRODUCTS && oldest !== undefined) this.#byProduct.delete(oldest);
    return fresh;
  }
}
