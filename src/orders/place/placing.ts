import type { Order } from "../order.ts";
import type { Shortfall } from "./decide.ts";
import type { Refusal } from "./quote.ts";
import type { FateRow } from "./record.ts";

/** What became of one draft. */
export type PlaceOutcome =
  /** Decided here and now: an order, or a `rejected` one. The answer is what every twin will repeat. */
  | { kind: "decided"; order: Order; answer: Answer }
  /** Decided before, under the same key. */
  | { kind: "replayed"; answer: Answer }
  | { kind: "key_reused" }
  | { kind: "refused"; refusal: Refusal }
  /** Of drafts that are placed together or not at all: another one was refused. Nothing is held. */
  | { kind: "withdrawn" }
  | { kind: "limited" }
  /** The shop takes no orders just now. Nothing is held; the same request may be sent again. */
  | { kind: "stopped" }
  /** A backup overwrites the shop: not even a replay would be of what is there afterwards. */
  | { kind: "restoring" }
  /** A part did not answer. Nothing is lost and nothing sold: the same request may be sent again. */
  | { kind: "unavailable" }
  /** Without a key, and D1 away before it could be asked whether this order stands. */
  | { kind: "unknown"; order: Order; accessToken: string | undefined };

export interface Answer {
  status: number;
  body: string;
}

/**
 * Writes the answer to a decided draft; it is stored under its key in the batch that decides.
 * @param shortfalls null where the order stands; empty where it fell with another that it was to be placed with
 */
export type RenderAnswer = (
  order: Order,
  shortfalls: Shortfall[] | null,
  accessToken: string | undefined,
) => Answer;

/** What stands under a draft's key, whoever decided it. */
export const storedAnswer = ({ status, body }: FateRow): PlaceOutcome =>
  status === null || body === null ? { kind: "unavailable" } : { kind: "replayed", answer: { status, body } };
