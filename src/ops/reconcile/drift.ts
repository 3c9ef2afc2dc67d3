/** Every way in which the parts of the shop can disagree about stock. Clients switch on these. */
export const DRIFT_KINDS = [
  /** A store's level is not the sum of its ledger. */
  "level_ledger",
  /** A store's `reserved` is not the sum of the open holds there. */
  "level_holds",
  /** An open hold whose claim is dead, or is undecided and should have asked long ago. */
  "dead_hold",
  /** A living order has less on hold than it has not shipped. */
  "order_unheld",
  /** A living order's hold keeps more, or has shipped otherwise, than its row says. */
  "hold_differs",
  /** The projection lacks what it acknowledged, or has what the object never had. */
  "projection",
  /** Holds or a report are due, and no alarm will wake the object for them in time. */
  "alarm_asleep",
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/**
 * `short`: the units are not there. `moved`: it changed meanwhile and must be compared again. `unbalanced`: a person must
 * count. `shipped`: more has left than the order says; a person records the shipment again, or takes the units back.
 */
export const DRIFT_STATES = ["found", "repaired", "short", "moved", "unbalanced", "shipped"] as const;
export type DriftState = (typeof DRIFT_STATES)[number];

/** One disagreement. All numbers are units. */
export interface Drift {
  product_id: string;
  kind: DriftKind;
  detail: string;
  store_id: string | null;
  claim: string | null;
  order_id: string | null;
  state: DriftState;
}

/** Whether it still has to be repaired, perhaps by a person. */
export const isOpen = ({ state }: Drift): boolean => state !== "repaired";

/** How many drifts are left, by kind and state. */
export type OpenCounts = Record<string, number>;

export function countOpen(drift: Drift[], counts: OpenCounts = {}): OpenCounts {
  for (const { kind, state } of drift.filter(isOpen)) {
    counts[`${kind} ${state}`] = (counts[`${kind} ${state}`] ?? 0) + 1;
  }
  return counts;
}
