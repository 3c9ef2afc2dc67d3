import type { Context } from "../../platform/context.ts";
import { updateProduct } from "./update.ts";

export type ArchiveProductOutcome =
  | { kind: "archived" }
  | { kind: "not_found" }
  | { kind: "stale" }
  | { kind: "contended" };

/** Takes a product off sale; it stays readable. Idempotent: what is archived already stays at its version. */
export async function archiveProduct(
  context: Context,
  id: string,
  allowed: number[] | null,
): Promise<ArchiveProductOutcome> {
  const outcome = await updateProduct(context, id, allowed, { active: false });
  switch (outcome.kind) {
    case "updated":
      return { kind: "archived" };
    case "not_found":
    case "stale":
    case "contended":
      return outcome;
    case "sku_taken":
    case "invalid":
      throw new Error(`archiving ${id} set nothing that could be refused: ${outcome.kind}`);
  }
}
