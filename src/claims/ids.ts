import { type Ids, prefixed } from "../platform/ids.ts";

/** A claim is named after the operation that it is a try of. */
export const claimOf = (operation: string): string => prefixed("clm", operation);

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
/** Characters of an id that number the drafts of a bulk, up to 1,024. The others are the time and 70 random bits. */
const NUMBER_LENGTH = 2;

/**
 * Fresh operations, one for each draft. The claims' ids are made of them, and the order of those ids decides who waits for
 * whose units. So drafts that stand or fall together get neighbouring ids, with no other request's id between them: of two
 * such bulks, one comes before the other for every product that both want. With mixed ids, each could fail by the other.
 */
export function operationsOf(ids: Ids, count: number, together: boolean): string[] {
  if (!together) return Array.from({ length: count }, () => ids.next());
  if (count > ALPHABET.length ** NUMBER_LENGTH) throw new Error(`${count} drafts cannot be neighbours`);
  const head = ids.next().slice(0, -NUMBER_LENGTH);
  return Array.from({ length: count }, (_, index) => {
    const [high = "", low = ""] = [Math.floor(index / ALPHABET.length), index % ALPHABET.length].map(
      (digit) => ALPHABET[digit],
    );
    return head + high + low;
  });
}
