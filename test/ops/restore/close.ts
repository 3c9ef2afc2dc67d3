import { setSelling } from "../../../src/ops/selling/selling.ts";
import { testContext } from "../../events/context.ts";

/** Closes the shop for a restore. Returns the generation that the calls of that restore carry. */
export async function closeForRestore(): Promise<number> {
  const outcome = await setSelling(testContext(), "restoring");
  if (outcome.kind !== "set") throw new Error(outcome.kind);
  return outcome.selling.generation;
}
