import { type Ids, prefixed } from "../platform/ids.ts";

/** A claim is named after the operation that it is the try of. */
export const claimOf = (operation: string): string => prefixed("clm", operation);

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
/** Characters of an id that tell the drafts of a bulk apart: for 1,024 of them. The others are time and 70 random bits. */
const TAIL = 2;

/**
 * Fresh operations, one for each draft. Who waits for whose units goes by the order of the claims' ids, which are made
 * of these. So those of drafts that stand or fall together are neighbours, and nobody else's lies between them: of two
 * such bulks one comes before the other in all that they both want. Were they mixed, each could fall by the other.
 */
export function operationsOf(ids: Ids, count: number, together: boolean): string[] {
  if (!together) return Array.from({ length: count }, () => ids.next());
  if (count > ALPHABET.length ** TAIL) throw new Error(`${count} drafts cannot be neighbours`);
  const head = ids.next().slice(0, -TAIL);
  return Array.from({ length: count }, (_, index) => {
    const [high = "", low = ""] = [Math.floor(index / ALPHABET.length), index % ALPHABET.length].map(
      (digit) => ALPHABET[digit],
    );
    return head + high + low;
  });
}
