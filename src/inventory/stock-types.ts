/** The commands of a Stock object and its answers. All of it crosses RPC: plain data, and outcomes instead of exceptions. */

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
  /** Units, the sum of the order's lines of this product. */
  quantity: number;
  /** Stores in order of preference. Unless `only`, the other stores follow them, by id. */
  stores: string[];
  /** Only these stores may serve, since the buyer named one. */
  only: boolean;
}

export type ReserveOutcome =
  | {
      kind: "held";
      allocations: Allocation[];
      /** For whom a `Carry` asked: what the projection does not have yet, to be written with the order of this claim. */
      carried?: StockReport;
    }
  | {
      kind: "short";
      /** Units that are available in the stores that may serve. */
      available: number;
      /** Open claims that may yet let go, since no living order of theirs is known. Largest id first. */
      inTheWay: { claim: string; quantity: number }[];
    }
  /** This claim was released before: it is dead, and will never hold anything again. */
  | { kind: "settled" };

/** An order's state of one product as D1 had it, by store. */
export type FollowState = Record<string, { keep: number; shipped: number }>;

export interface FollowCommand {
  claim: string;
  /** The order's version; applied only when newer than what was applied before. A claim without an order ends with 1. */
  version: number;
  /** Empty for a dead claim: it keeps nothing. */
  state: FollowState;
}

export type FollowOutcome =
  | { kind: "applied" }
  /** This version or a newer one was applied before. */
  | { kind: "stale" }
  /** D1 says that units are kept or shipped that this object never held. Reconciliation must repair it. */
  | { kind: "drift"; detail: string };

/** What one call of `follow` answers. */
export interface Followed {
  /** One for each command, in their order. */
  outcomes: FollowOutcome[];
  /** For whom asked for it: what the projection does not have yet, to be written by the caller. */
  carried: StockReport | null;
}

/** What an open hold learns when it asks for its claim's fate. */
export interface ClaimState extends FollowCommand {
  /** When to ask again, milliseconds; null leaves it to the hold's own schedule (an hour, then a day). */
  askAt: number | null;
}

/** What D1 says when holds ask. */
export interface FatesAnswer {
  claims: ClaimState[];
  /** What the projection has of this object's levels. */
  projected: ProjectedLevel[];
}

export interface ProjectedLevel {
  storeId: string;
  epoch: number;
  version: number;
}

/** Asks in one D1 batch what became of claims, and writes `abandoned` for those that have no fate. */
export type AskFates = (productId: string, claims: string[]) => Promise<FatesAnswer>;

export const ADJUST_TYPES = ["add", "remove", "set", "receive", "damage", "return"] as const;
export type AdjustType = (typeof ADJUST_TYPES)[number];

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

/** Whose command it is: a person was told a refusal, while the system tries until it is done. */
export type CommandBy = "person" | "system";

export interface TransferCommand {
  operation: string;
  fromStoreId: string;
  toStoreId: string;
  quantity: number;
  reason: string;
  actor: string;
}

/** Sets opening stock for stores that never had the product; others stay as they are. So it is safe to repeat. */
export interface OpenCommand {
  levels: { store_id: string; quantity: number }[];
  actor: string;
}

/** `correction` is reconciliation's: it may change either number, or only note what a level said before. */
export const MOVEMENT_TYPES = [
  "opening",
  ...ADJUST_TYPES,
  "transfer_in",
  "transfer_out",
  "reserve",
  "release",
  "ship",
  "correction",
] as const;
export type MovementType = (typeof MOVEMENT_TYPES)[number];

export interface Count {
  on_hand: number;
  reserved: number;
}

/** One line of the ledger. It changed a level by `after` less `before`; the sums of these are the levels. */
export interface Movement {
  seq: number;
  at: string;
  type: MovementType;
  store_id: string;
  /** Units; negative where `on_hand` falls. `reserve` and `release` have a positive number. */
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
  /** The command would leave less on hand than is reserved. */
  | { kind: "stock_reserved"; on_hand: number; reserved: number; requested: number }
  /** The command would leave more on hand than a store can have of a product. */
  | { kind: "too_many"; on_hand: number; limit: number }
  /** The operation id was used with another body. */
  | { kind: "operation_reused" };

export interface MovementPage {
  movements: Movement[];
  /** The `before` of the next page; null at the end. */
  next: number | null;
}

/** One open hold, for the exact inventory page. */
export interface Hold {
  claim: string;
  order_id: string;
  /** False until the object has heard of a living order of this claim. */
  confirmed: boolean;
  allocations: Allocation[];
  ask_at: string;
}

/** Levels and open holds of one moment. */
export interface Inventory extends Levels {
  holds: Hold[];
}

/** The levels of one object that have changed, sent to the projection through the `inventory` queue. */
export interface StockReport {
  productId: string;
  epoch: number;
  /** The object's version that these levels bring the projection to. */
  version: number;
  at: number;
  levels: { storeId: string; onHand: number; reserved: number; version: number }[];
}

/** Up to which version of an object the projection has its levels. */
export type Arrival = Pick<StockReport, "productId" | "epoch" | "version">;

/**
 * Says that who reserves writes the levels that its holds leave into the projection, in the batch that records their orders,
 * so that the object need not report them; and tells what it knows of earlier ones, so that the object need not ask.
 */
export interface Carry {
  /** What has arrived in the projection; null where the caller does not know. */
  arrived: Arrival | null;
  /** Claims whose orders were recorded. */
  claims: ClaimState[];
}

/** Units of a claim in one store: still reserved, and shipped. */
export interface Held {
  store_id: string;
  kept: number;
  shipped: number;
}

/** A claim as its object has it, with its units in each store. */
export interface AuditedClaim {
  claim: string;
  order_id: string | null;
  /** `settled`: it has released everything, and will never hold again. */
  state: "open" | "settled";
  /** The order's version that was last applied; 0 until the object has heard of a living order. */
  version: number;
  created_at: number;
  ask_at: number;
  parts: Held[];
}

/** All that reconciliation compares, as it was at one moment. Times are in milliseconds. */
export interface StockAudit {
  epoch: number;
  version: number;
  /** The projection has acknowledged everything up to this version. */
  acked: number;
  /** When the ledger's last line was written; 0 while it has none. */
  changed_at: number;
  levels: (Count & { store_id: string; version: number })[];
  /** The sums of what the ledger's lines changed. */
  ledger: (Count & { store_id: string })[];
  /** The open claims, and those that were asked for. */
  claims: AuditedClaim[];
  /** When the alarm must fire next; null when nothing waits for it. */
  due: number | null;
  /** When it will fire; null when it is not set. */
  alarm: number | null;
}

/** Brings one claim to what its row in D1 says, whatever versions were applied before. */
export interface RepairHold extends ClaimState {
  orderId: string | null;
  /** The claim's version in the audit, null if it had none. If it is another by now, the claim is left alone. */
  seen: number | null;
}

export interface RepairCommand {
  /** The `reference` of each correction in the ledger. */
  operation: string;
  /** Whether to rebuild the levels from the ledger and the holds. */
  balance: boolean;
  holds: RepairHold[];
  /** Report all levels to the projection again, under an epoch above this one; null when that is not needed. */
  tellBeyond: number | null;
}

export type RepairOutcome =
  | { kind: "mended" }
  /** The claim has changed since the audit, so it must be compared again. */
  | { kind: "moved" }
  /** The units that the hold lacks are not available. */
  | { kind: "short"; store_id: string; missing: number }
  /** More units have left than D1 knows of. They are not on a shelf, so nothing is put back, and a person decides. */
  | { kind: "shipped" };

export interface RepairReport {
  /** Stores whose levels cannot be rebuilt, since more is on hold there than the ledger says is on hand. */
  unbalanced: string[];
  /** One for each of the command's holds, in their order. */
  holds: RepairOutcome[];
}

/** `holds` is only in backups of objects whose holds were rows of their own. */
export type StockTable = "meta" | "levels" | "claims" | "holds" | "movements" | "operations";

/** One row of an object's storage, as a backup keeps it. */
export interface StockRow {
  table: StockTable;
  row: Record<string, string | number | null>;
}

/** Where a page of a dump begins. Clients have it as JSON, and need not understand it. */
export interface DumpCursor {
  part: "operations" | "claims" | "movements" | "changes";
  /** The key of the last row of this part that was read. */
  after: string | number;
  /** The `seq` of the ledger's last line when the dump began. */
  began: number;
  /** The object's restore generation when the dump began. */
  generation: number;
}

export interface DumpPage {
  rows: StockRow[];
  /** JSON of the `DumpCursor` of the next page; null at the end. */
  next: string | null;
}

/** `restored`: the object is being restored, or was since this dump began. What was read of it is worth nothing. */
export type DumpOutcome = ({ kind: "page" } & DumpPage) | { kind: "restored" };

/** `superseded`: nothing was changed, since the object was loaded by this restore already, or belongs to a later one. */
export type EmptyOutcome = { kind: "emptied" } | { kind: "superseded" };

/** A part of an object's backup. The last one sets its alarm. */
export interface LoadPage {
  first: boolean;
  last: boolean;
  rows: StockRow[];
  /** The restore generation that the object belongs to from now on. */
  generation: number;
}

/**
 * Neither changes anything: `not_begun`, if the object was not emptied by the restore of this generation, or was loaded by it
 * already; `unfit`, if the tables do not take these rows.
 */
export type LoadOutcome = { kind: "loaded" } | { kind: "not_begun" } | { kind: "unfit"; message: string };

/**
 * What a Stock object does, over RPC. Refusals are outcomes; it throws only on faults.
 *
 * What writes carries the restore generation of its sender (platform/restoring.ts). An object throws where it was restored
 * in a later one, and all commands throw while it is being restored: the sender belongs to a history that is gone. Left
 * out, as by a Worker of before, nothing is refused for it.
 */
export interface StockCommands {
  /**
   * For one order or many.
   * @param holdMs how long a hold waits before it first asks for its fate
   * @param carry left out by who does not write to the projection: then the object reports its levels by itself
   */
  reserve(
    productId: string,
    requests: ReserveRequest[],
    holdMs: number,
    generation?: number,
    carry?: Carry,
  ): Promise<ReserveOutcome[]>;
  follow(productId: string, commands: FollowCommand[], generation?: number): Promise<FollowOutcome[]>;
  /**
   * The same, for who writes the levels that this leaves into the projection. It must come again, with the same or a later
   * command, until it has written them: the object itself reports them only a day later.
   */
  followAndCarry(productId: string, commands: FollowCommand[], generation?: number): Promise<Followed>;
  adjust(
    productId: string,
    command: AdjustCommand,
    generation?: number,
    by?: CommandBy,
  ): Promise<CommandOutcome>;
  transfer(productId: string, command: TransferCommand, generation?: number): Promise<CommandOutcome>;
  /** Returns the stores whose opening stock was set by this call. */
  open(productId: string, command: OpenCommand, generation?: number): Promise<{ opened: string[] }>;
  levels(): Promise<Levels>;
  /** The levels after all movements up to then, without stores that had no movement yet. @param at milliseconds */
  levelsAt(at: number): Promise<Levels>;
  /** Open holds, in the order in which they ask; 1,000 at most. */
  holds(): Promise<Hold[]>;
  inventory(): Promise<Inventory>;
  /** Newest first. */
  movements(before: number | null, limit: number): Promise<MovementPage>;
  /** Lines since then that no order has written (reserve, release, ship), newest first. @param since milliseconds */
  handMovements(since: number, limit: number): Promise<Movement[]>;
  /** The projection has everything up to this version, so it need not be reported again. */
  reported(epoch: number, version: number): Promise<void>;
  /** @param claims to be included whatever their state, besides all open ones */
  audit(claims: string[]): Promise<StockAudit>;
  /** Repairs what an audit found, and sets the alarm again. A repeat changes nothing. */
  mend(productId: string, command: RepairCommand, generation?: number): Promise<RepairReport>;
  /** A page of a backup of all that is stored here. */
  dump(cursor: string | null): Promise<DumpOutcome>;
  /** Forgets everything, and from now on obeys only the restore of this generation, until that has loaded its last part. */
  empty(productId: string, generation: number): Promise<EmptyOutcome>;
  load(productId: string, page: LoadPage): Promise<LoadOutcome>;
}
