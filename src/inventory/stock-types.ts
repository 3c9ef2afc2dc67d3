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
export interface ClaimState extends FollowCommand {
  /** When to ask again, milliseconds; null: by the hold's own schedule (minutes, an hour, a day). */
  askAt: number | null;
}

/** Asks the orders room, in one D1 batch, what became of claims; writes `abandoned` where there is no fate. */
export type AskFates = (productId: string, claims: string[]) => Promise<ClaimState[]>;

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
  | "ship"
  /** Reconciliation sets right what drifted: it may change either number, or only note what a level had said. */
  | "correction";

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

/** A claim as its object has it, with its units store by store. */
export interface AuditedClaim {
  claim: string;
  order_id: string | null;
  state: "open" | "settled";
  /** The order's version that was last applied; 0: no living order was heard of yet. */
  version: number;
  created_at: number;
  ask_at: number;
  parts: { store_id: string; kept: number; shipped: number }[];
}

/** All that reconciliation compares, as it was at one moment. Stamps are milliseconds. */
export interface StockAudit {
  epoch: number;
  version: number;
  /** The projection was told, and has acknowledged, all up to this version. */
  acked: number;
  levels: (Count & { store_id: string; version: number })[];
  /** The sums of what the ledger's lines changed. */
  ledger: (Count & { store_id: string })[];
  /** The open claims, and those that were asked for. */
  claims: AuditedClaim[];
  /** When the object must be awake next, and when it will be; null: not at all. */
  due: number | null;
  alarm: number | null;
}

/** Brings one claim to what its row says, whatever versions were applied before. */
export interface MendHold extends ClaimState {
  orderId: string | null;
  /** The claim's version in the audit that found the drift, null where it had none: another now, and nothing is done. */
  seen: number | null;
}

export interface MendCommand {
  /** Stands in the ledger beside each correction. */
  operation: string;
  /** Rebuild the levels from the ledger and the holds. */
  balance: boolean;
  holds: MendHold[];
  /** Tell the projection everything again, under an epoch above this one; null: it needs nothing. */
  tellBeyond: number | null;
}

export type MendOutcome =
  | { kind: "mended" }
  /** The claim went on since it was audited: look again. */
  | { kind: "moved" }
  /** The units that it lacks are not there. */
  | { kind: "short"; store_id: string; missing: number };

export interface MendReport {
  /** Stores whose levels cannot be rebuilt: more is on hold there than the ledger says is on hand. */
  unbalanced: string[];
  /** One for each of the command's holds, in their order. */
  holds: MendOutcome[];
}

export type StockTable = "meta" | "levels" | "claims" | "holds" | "movements" | "operations";

/** One row of an object's storage, as a backup keeps it. */
export interface StockRow {
  table: StockTable;
  row: Record<string, string | number | null>;
}

export interface DumpPage {
  rows: StockRow[];
  /** To read on with; null at the end. */
  next: string | null;
}

/** A part of an object's backup. The first empties what is there, the last wakes the object. */
export interface LoadPage {
  first: boolean;
  last: boolean;
  rows: StockRow[];
}

/** `not_begun`: nothing is here that this part goes on with. `unfit`: it takes no such rows. Nothing was done then. */
export type LoadOutcome = { kind: "loaded" } | { kind: "not_begun" } | { kind: "unfit"; message: string };

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
  /** As they were right after all that had moved by then; milliseconds. Stores that had none yet are left out. */
  levelsAt(at: number): Promise<Levels>;
  /** Open holds, those that ask first before the others; 1,000 at most. */
  holds(): Promise<Hold[]>;
  inventory(): Promise<Inventory>;
  /** Newest first. */
  movements(before: number | null, limit: number): Promise<MovementPage>;
  /** The projection has caught up to this version: it need not be told again. */
  reported(epoch: number, version: number): Promise<void>;
  /** @param claims to be told of whatever their state, besides all open ones */
  audit(claims: string[]): Promise<StockAudit>;
  /** Sets right what an audit found, and re-arms the alarm. A repeat changes nothing. */
  mend(productId: string, command: MendCommand): Promise<MendReport>;
  /** A page of all that is stored here. */
  dump(cursor: string | null): Promise<DumpPage>;
  load(productId: string, page: LoadPage): Promise<LoadOutcome>;
  /** Forgets everything, as if the product had never been stocked. */
  empty(): Promise<void>;
}
