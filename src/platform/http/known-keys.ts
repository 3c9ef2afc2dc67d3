import { LRUCache } from "lru-cache";
import { isolateOf } from "../joined-check.ts";

/** More than any shop has; what is dropped is counted against its address once. */
const MOST_KNOWN = 1_000;

const knownIn = new WeakMap<object, LRUCache<string, true>>();

/**
 * The API keys that this isolate has seen to be good, by hash. Only that their requests are counted apart depends on it: what
 * nobody has seen counts against its address, so that guessing keys is no way around the limit.
 */
export const isKnownKey = (env: object, hash: string): boolean =>
  knownIn.get(isolateOf(env))?.has(hash) ?? false;

export function rememberKey(env: object, hash: string): void {
  const isolate = isolateOf(env);
  const known = knownIn.get(isolate) ?? new LRUCache({ max: MOST_KNOWN });
  knownIn.set(isolate, known);
  known.set(hash, true);
}
