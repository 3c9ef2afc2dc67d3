import type { Draft } from "../place/draft.ts";
import { contendedBy } from "./contended.ts";

/** A batch of so many orders takes some 30 ms of the database, and whoever comes meanwhile waits for it. */
const MAX_DRAFTS = 32;
/** Each product is one call of an object, and all of a group's calls are made at the same time. */
const MAX_PRODUCTS = 100;
/** What a batch writes for a draft is some four times the draft, and one parameter of a statement may have 2 MB. */
const MAX_BYTES = 200_000;

/** A draft at the desk, with what it takes up in a group. */
export interface Sized {
  draft: Draft;
  /** As JSON. */
  bytes: number;
}

/**
 * Takes the next group from those that wait, in the order in which they came. The first always fits. One that contends with
 * a member of the group, or would make it too large, stays for a later group.
 */
export function takeGroup<T extends Sized>(waiting: T[]): T[] {
  const group: T[] = [];
  const left: T[] = [];
  const names = new Set<string>();
  const products = new Set<string>();
  let bytes = 0;
  for (const one of waiting) {
    const its = contendedBy(one.draft);
    const wanted = new Set(products);
    for (const { productId } of one.draft.lines) wanted.add(productId);
    const fits = wanted.size <= MAX_PRODUCTS && bytes + one.bytes <= MAX_BYTES && group.length < MAX_DRAFTS;
    if (group.length > 0 && (!fits || its.some((name) => names.has(name)))) {
      left.push(one);
      continue;
    }
    group.push(one);
    bytes += one.bytes;
    for (const name of its) names.add(name);
    for (const product of wanted) products.add(product);
  }
  waiting.splice(0, waiting.length, ...left);
  return group;
}
