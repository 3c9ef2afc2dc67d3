import type { Draft } from "../place/draft.ts";

/**
 * What a draft contends for, besides stock. Two drafts that share one of these names are never placed in one group. For a
 * statement sees the state from before it: guards of the same statement do not see each other, so two drafts of one cart in
 * one batch would both find it unspent, and become two living orders. In two batches the second sees the first.
 *
 * Whatever else allows only so many orders (a code that may be used ten times, say) belongs here, or must be decided within
 * the batch's first statement, in the order in which the drafts came.
 */
export const contendedBy = ({ key, cart }: Draft): string[] => [
  // Twins of one key are tries at one claim.
  ...(key ? [`key ${key.scope} ${key.key}`] : []),
  ...(cart ? [`cart ${cart.id}`] : []),
];
