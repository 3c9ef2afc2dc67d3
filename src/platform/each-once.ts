import type { z } from "zod";

/** For a list of a request: no two of its items have one value in this field. */
export const eachOnce =
  <K extends string>(field: K) =>
  (items: Record<K, string>[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, { [field]: value }] of items.entries()) {
      if (seen.has(value)) {
        context.addIssue({ code: "custom", path: [index, field], message: "is named twice" });
      }
      seen.add(value);
    }
  };
