/** Every way in which the parts of the shop can disagree about stock. A closed set: clients switch on it. */
export const DRIFT_KINDS = [
  /** A store's level is not the sum of its ledger. */
  "level_ledger",
  /** A store's `reserved` is not the sum of the open holds there. */
  "level_holds",
  /** An open hold of a claim that is dead, or that should have asked and did not. */
  "dead_hold",
  /** A living order has less on hold than it has not shipped. */
  "order_unheld",
  /** A living order's hold keeps more, or has shipped otherwise, than its row says. */
  "hold_differs",
  /** The projection has not what it acknowledged, or what the object never had. */
  "projection",
  /** Holds or news wait, and no alarm will wake the object for them in time. */
  "alarm_asleep",
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** `short`: the units are not there. `moved`: it went on meanwhile, look again. `unbalanced`: a person must count. */
export const DRIFT_STATES = ["found", "repaired", "short", "moved", "unbalanced"] as const;
export type DriftState = (typeof DRIFT_STATES)[number];

/** One disagreement, in words and numbers. Units throughout. */
export interface Drift {
  product_id: string;
  kind: DriftKind;
  detail: string;
  store_id: string | null;
  claim: string | null;
  order_id: string | null;
  state: DriftState;
}

/** What a person must look at: neither right by itself nor mended. */
export const isOpen = ({ state }: Drift): boolean => state !== "repaired";
