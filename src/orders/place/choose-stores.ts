import type { DraftLine } from "./draft.ts";

/** A store's free units of one product, by the projection: a hint that may be seconds old. */
export interface StoreHint {
  product_id: string;
  store_id: string;
  available: number;
  /** Lower is preferred. */
  priority: number;
}

/**
 * Stores in order of preference for each line, when the buyer named none: first those that can fill the whole order,
 * then those that can fill the line, then by the shop's priority, then by what they have.
 */
export function chooseStores(lines: DraftLine[], hints: StoreHint[]): Map<string, string[]> {
  const filling = new Map<string, number>();
  for (const line of lines) {
    for (const hint of hints) {
      if (hint.product_id !== line.productId || hint.available < line.quantity) continue;
      filling.set(hint.store_id, (filling.get(hint.store_id) ?? 0) + 1);
    }
  }
  const fillsAll = (hint: StoreHint) => (filling.get(hint.store_id) === lines.length ? 0 : 1);

  return new Map(
    lines.map((line) => {
      const fillsLine = (hint: StoreHint) => (hint.available >= line.quantity ? 0 : 1);
      const ordered = hints
        .filter((hint) => hint.product_id === line.productId)
        .sort(
          (a, b) =>
            fillsAll(a) - fillsAll(b) ||
            fillsLine(a) - fillsLine(b) ||
            a.priority - b.priority ||
            b.available - a.available ||
            (a.store_id < b.store_id ? -1 : 1),
        );
      return [line.productId, ordered.map((hint) => hint.store_id)];
    }),
  );
}
