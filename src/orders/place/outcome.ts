import type { Draft } from "./draft.ts";
import type { Refusal } from "./quote.ts";
import type { FateRow } from "./record.ts";

/** What became of one draft. */
export type PlaceOutcome =
  /** Decided by this request: an order, or a `rejected` one. Every twin will repeat this answer. */
  | { kind: "decided"; answer: Answer }
  /** Decided before, under the same key. */
  | { kind: "replayed"; answer: Answer }
  /** The buyer's session has ended since the token was given. */
  | { kind: "signed_out" }
  | { kind: "key_reused" }
  | { kind: "refused"; refusal: Refusal }
  /** Another draft of a bulk of all or none was refused. Nothing is held. */
  | { kind: "withdrawn" }
  | { kind: "limited" }
  /** The shop takes no orders just now. Nothing is held; the same request may be sent again. */
  | { kind: "stopped" }
  /** A backup overwrites the shop: even a replay could be of an order that is gone afterwards. */
  | { kind: "restoring" }
  /** D1 or an object did not answer. Nothing is lost and nothing sold: the same request may be sent again. */
  | { kind: "unavailable" }
  /** There is no key, and D1 failed before it could be asked whether this order was recorded. */
  | { kind: "unknown" };

export interface Answer {
  status: number;
  body: string;
}

/** Where outcomes are noted, each as soon as it is known. */
export interface Outcomes {
  get(draft: Draft): PlaceOutcome | undefined;
  set(draft: Draft, outcome: PlaceOutcome): unknown;
}

/** The answer that is stored under a draft's key, whichever worker decided it. */
export const storedAnswer = ({ status, body }: FateRow): PlaceOutcome =>
  status === null || body === null ? { kind: "unavailable" } : { kind: "replayed", answer: { status, body } };
