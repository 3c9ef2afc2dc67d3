import type { Arrival } from "../stock-types.ts";

/** Products that are remembered at most; the one that was noted first is forgotten first. */
const MAX_PRODUCTS = 10_000;

/**
 * What has arrived in the projection by batches of orders, so that the next call of each object tells it. It may forget:
 * then the object hears of it when one of its holds asks.
 */
export class Arrived {
  readonly #latest = new Map<string, Arrival>();

  note(arrivals: Arrival[]): void {
    for (const { productId, epoch, version } of arrivals) {
      const known = this.#latest.get(productId);
      const isOlder = known && (known.epoch > epoch || (known.epoch === epoch && known.version >= version));
      if (!isOlder) this.#latest.set(productId, { productId, epoch, version });
    }
    for (const productId of this.#latest.keys()) {
      if (this.#latest.size <= MAX_PRODUCTS) return;
      this.#latest.delete(productId);
    }
  }

  /** Gives it away: an object need hear it once. */
  take(productId: string): Arrival | null {
    const arrival = this.#latest.get(productId) ?? null;
    this.#latest.delete(productId);
    return arrival;
  }
}
