import type { DraftLine } from "./draft.ts";

/** Free units of one product in a store, as the projection in D1 says: a hint, which may be seconds old. */
export interface StoreHint {
  product_id: string;
  store_id: string;
  available: number;
  /** Lower is preferred. */
  priority: number;
}

/**
 * Stores in order of preference for each line, when the buyer named none: first those that can fill the whole order,
 * then those that can fill the line, then by their priority, then by how many units they have.
 * @param hints by product, for all drafts of a bulk
 */
export function chooseStores(
  lines: DraftLine[],
  hints: ReadonlyMap<string, StoreHint[]>,
): Map<string, string[]> {
  const filling = new Map<string, number>();
  for (const { productId, quantity } of lines) {
    for (const { store_id, available } of hints.get(productId) ?? []) {
      if (available >= quantity) filling.set(store_id, (filling.get(store_id) ?? 0) + 1);
    }
  }
  const fillsAll = (hint: StoreHint) => (filling.get(hint.store_id) === lines.length ? 0 : 1);

  return new Map(
    lines.map(({ productId, quantity }) => {
      const fillsLine = (hint: StoreHint) => (hint.available >= quantity ? 0 : 1);
      const ordered = (hints.get(productId) ?? []).toSorted(
        (a, b) =>
          fillsAll(a) - fillsAll(b) ||
          fillsLine(a) - fillsLine(b) ||
          a.priority - b.priority ||
          b.available - a.available ||
          (a.store_id < b.store_id ? -1 : 1),
      );
      return [productId, ordered.map((hint) => hint.store_id)];
    }),
  );
}
