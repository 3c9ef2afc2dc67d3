/**
 * What is said to a Stock object and what it answers. Everything here crosses RPC: plain data, and outcomes
 * rather than exceptions.
 */

export interface Level {
  store_id: string;
  on_hand: number;
  reserved: number;
  available: number;
}

export interface Levels {
  on_hand: number;
  reserved: number;
  available: number;
  stores: Level[];
}

/** Units of one hold in one store. */
export interface Allocation {
  store_id: string;
  quantity: number;
}

export interface ReserveRequest {
  claim: string;
  /** The order that this claim is for, so that the ledger can name it. */
  orderId: string;
  /** Units, added up over the order's lines of this product. */
  quantity: number;
  /** Stores in order of preference. A hint, unless `only`: other stores follow, by id. */
  stores: string[];
  /** The buyer named the store: nothing may come from another. */
  only: boolean;
}

export type ReserveOutcome =
  | { kind: "held"; allocations: Allocation[] }
  | {
      kind: "short";
      /** Units free in the stores that were allowed. */
      available: number;
      /** Open holds not yet known to be a living order's: they may yet let go. Largest claim first. */
      inTheWay: { claim: string; quantity: number }[];
    }
  /** This claim was let go before: it is dead, and will never hold anything again. */
  | { kind: "settled" };

/** An order's state of one product as D1 had it, by store. */
export type FollowState = Record<string, { keep: number; shipped: number }>;

export interface FollowCommand {
  claim: string;
  /** The order's version; applied only when newer than what was applied before. A dead claim's end is version 1. */
  version: number;
  /** Empty for a dead claim: it keeps nothing. */
  state: FollowState;
}

export type FollowOutcome =
  | { kind: "applied" }
  /** This version or a newer one was applied before. */
  | { kind: "stale" }
  /** D1 says that units are kept or shipped which this object never held: drift, for reconciliation. */
  | { kind: "drift"; detail: string };

/** What an open hold learns when it asks for its claim's fate. */
export interface Verdict extends FollowCommand {
  /** When to ask again, milliseconds; null: by the hold's own schedule (minutes, an hour, a day). */
  askAt: number | null;
}

/** Asks the orders room, in one D1 batch, what became of claims; writes `abandoned` where there is no fate. */
export type AskFates = (productId: string, claims: string[]) => Promise<Verdict[]>;

export type AdjustType = "add" | "remove" | "set" | "receive" | "damage" | "return";

export interface AdjustCommand {
  /** Makes the command safe to repeat: the same id with the same body is answered as the first time. */
  operation: string;
  storeId: string;
  type: AdjustType;
  /** Units; for `set` the new on_hand, else the difference, from 1. */
  quantity: number;
  reason: string;
  reference: string | null;
  actor: string;
}

export interface TransferCommand {
  operation: string;
  fromStoreId: string;
  toStoreId: string;
  quantity: number;
  reason: string;
  actor: string;
}

/** Sets opening stock for stores that have no movement yet; others are left alone. Safe to repeat by nature. */
export interface OpenCommand {
  levels: { store_id: string; quantity: number }[];
  actor: string;
}

export type MovementType =
  | AdjustType
  | "opening"
  | "transfer_in"
  | "transfer_out"
  | "reserve"
  | "release"
  | "ship";

export interface Count {
  on_hand: number;
  reserved: number;
}

/** One line of the ledger. `after` less `before` is what it changed: sums of these are the levels. */
export interface Movement {
  seq: number;
  at: string;
  type: MovementType;
  store_id: string;
  /** Units moved, signed for on_hand's sake where on_hand changes; for `reserve` and `release` the units. */
  quantity: number;
  before: Count;
  after: Count;
  actor: string;
  reason: string | null;
  reference: string | null;
  order_id: string | null;
}

export type CommandOutcome =
  | { kind: "done"; movements: Movement[] }
  /** Would leave less on hand than is reserved. */
  | { kind: "stock_reserved"; on_hand: number; reserved: number; requested: number }
  /** Would leave more on hand than a store can have of a product. */
  | { kind: "too_many"; on_hand: number; limit: number }
  /** The operation id was used with another body. */
  | { kind: "operation_reused" };

export interface MovementPage {
  movements: Movement[];
  /** `seq` to read on from; null at the end. */
  next: number | null;
}

/** One open hold, for the exact inventory page. */
export interface Hold {
  claim: string;
  order_id: string;
  /** False until the object has heard that a living order stands behind it. */
  confirmed: boolean;
  allocations: Allocation[];
  ask_at: string;
}

/** Levels and open holds of one moment. */
export interface Inventory extends Levels {
  holds: Hold[];
}

/** News of one object for the projection, sent through the `inventory` queue. */
export interface StockReport {
  productId: string;
  epoch: number;
  /** The object's version that these levels bring the projection to. */
  version: number;
  at: number;
  levels: { storeId: string; onHand: number; reserved: number; version: number }[];
}

/** What a Stock object does, over RPC. Business reasons are outcomes; it throws only when broken. */
export interface StockCommands {
  /** One call a product, for one order or a bulk. `holdFor`: after how long an unheard-of hold asks, ms. */
  reserve(productId: string, requests: ReserveRequest[], holdFor: number): Promise<ReserveOutcome[]>;
  follow(productId: string, commands: FollowCommand[]): Promise<FollowOutcome[]>;
  adjust(productId: string, command: AdjustCommand): Promise<CommandOutcome>;
  transfer(productId: string, command: TransferCommand): Promise<CommandOutcome>;
  /** Stores for which opening stock was set now. */
  open(productId: string, command: OpenCommand): Promise<{ opened: string[] }>;
  levels(): Promise<Levels>;
  /** Open holds, those that ask first before the others; 1,000 at most. */
  holds(): Promise<Hold[]>;
  inventory(): Promise<Inventory>;
  /** Newest first. */
  movements(before: number | null, limit: number): Promise<MovementPage>;
  /** The projection has caught up to this version: it need not be told again. */
  reported(epoch: number, version: number): Promise<void>;
}
