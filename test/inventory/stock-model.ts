import type {
  AdjustCommand,
  Count,
  FollowCommand,
  FollowState,
  OpenCommand,
  ReserveRequest,
  TransferCommand,
} from "../../src/inventory/stock-types.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

interface ModelClaim {
  settled: boolean;
  version: number;
  parts: Map<string, { kept: number; shipped: number }>;
  askAt: number;
  asks: number;
  /** When it asks again, if it was asked about and got no answer; 0 if it was not. */
  againAt: number;
  /** Whether it knows that it asked. */
  remembers: boolean;
}

/**
 * What a Stock object should do, told as simply as can be: maps in memory, no storage, no ledger, no transaction.
 * Each command returns what the object should answer.
 */
export class StockModel {
  levels = new Map<string, Count>();
  claims = new Map<string, ModelClaim>();
  operations = new Map<string, { body: string; outcome: unknown }>();
  written = false;

  level(store: string): Count {
    return this.levels.get(store) ?? { on_hand: 0, reserved: 0 };
  }

  #change(store: string, onHand: number, reserved: number): void {
    const level = this.level(store);
    this.levels.set(store, { on_hand: level.on_hand + onHand, reserved: level.reserved + reserved });
    this.written = true;
  }

  reserve({ claim, quantity, stores, only }: ReserveRequest, deadline: number): unknown {
    const known = this.claims.get(claim);
    if (known?.settled) return { kind: "settled" };
    if (known) return { kind: "held", allocations: allocations(known) };
    const others = only ? [] : [...this.levels.keys()].filter((id) => !stores.includes(id)).sort();
    const allowed = [...new Set(stores), ...others].filter((id) => this.levels.has(id));
    const free = allowed.map((id) => ({ id, units: this.level(id).on_hand - this.level(id).reserved }));
    const available = free.reduce((sum, { units }) => sum + units, 0);
    if (available < quantity) return { kind: "short", available, inTheWay: this.#inTheWay(allowed) };

    const parts: ModelClaim["parts"] = new Map();
    const given: { store_id: string; quantity: number }[] = [];
    let missing = quantity;
    for (const { id, units } of free) {
      const taken = Math.min(units, missing);
      if (taken === 0) continue;
      missing -= taken;
      parts.set(id, { kept: taken, shipped: 0 });
      given.push({ store_id: id, quantity: taken });
      this.#change(id, 0, taken);
    }
    this.claims.set(claim, {
      settled: false,
      version: 0,
      parts,
      askAt: deadline,
      asks: 0,
      againAt: 0,
      remembers: false,
    });
    return { kind: "held", allocations: given };
  }

  #inTheWay(stores: string[]): unknown[] {
    return [...this.claims]
      .filter(([, { settled, version }]) => !settled && version === 0)
      .map(([claim, { parts }]) => ({
        claim,
        quantity: stores.reduce((sum, id) => sum + (parts.get(id)?.kept ?? 0), 0),
      }))
      .filter(({ quantity }) => quantity > 0)
      .sort((a, b) => (a.claim < b.claim ? 1 : -1));
  }

  follow({ claim, version, state }: FollowCommand): "applied" | "stale" | "drift" {
    const known = this.claims.get(claim);
    if (!known) {
      if (Object.values(state).some(({ keep, shipped }) => keep + shipped > 0)) return "drift";
      if (this.written) {
        this.claims.set(claim, {
          settled: true,
          version,
          parts: new Map(),
          askAt: 0,
          asks: 0,
          againAt: 0,
          remembers: false,
        });
      }
      return "applied";
    }
    if (version <= known.version) return "stale";
    if (known.settled) return Object.values(state).some(({ keep }) => keep > 0) ? "drift" : "stale";
    if (!possible(known, state)) return "drift";
    for (const [store, part] of known.parts) {
      const { keep, shipped } = state[store] ?? { keep: 0, shipped: part.shipped };
      this.#change(store, part.shipped - shipped, keep - part.kept);
      known.parts.set(store, { kept: keep, shipped });
    }
    known.version = version;
    known.settled = [...known.parts.values()].every(({ kept }) => kept === 0);
    return "applied";
  }

  /** By when claims must ask next: ten seconds after the first of them is due, or half a minute after a question without an answer. */
  get asksAt(): number {
    const open = [...this.claims.values()].filter((claim) => !claim.settled);
    return Math.min(...open.map(({ askAt, againAt }) => Math.max(askAt + 10_000, againAt)));
  }

  /** Those that ask: all that are due by then, but for those that were asked about and may yet be answered. */
  due(now: number): string[] {
    const free = [...this.claims].filter(
      ([, { settled, againAt, remembers }]) => !settled && !(remembers && againAt > now),
    );
    if (now < Math.min(...free.map(([, { askAt }]) => askAt)) + 10_000) return [];
    return free.filter(([, { askAt }]) => askAt <= now).map(([claim]) => claim);
  }

  putOff(claims: string[], now: number): void {
    for (const claim of claims)
      Object.assign(this.claims.get(claim) as ModelClaim, { againAt: now + MINUTE / 2, remembers: true });
  }

  /** What it has asked is in its memory alone: it may ask again at once. */
  evict(): void {
    for (const claim of this.claims.values()) claim.remembers = false;
  }

  /** What a caller tells by the way: only what is new counts. */
  hear(told: FollowCommand & { askAt: number | null }, now: number): void {
    const known = this.claims.get(told.claim);
    if (known && known.version < told.version) this.obey(told, now, false);
  }

  obey(verdict: FollowCommand & { askAt: number | null }, now: number, answers = true): void {
    this.follow(verdict);
    const known = this.claims.get(verdict.claim);
    if (!known || known.settled) return;
    const later = known.asks === 0 ? 60 * MINUTE : DAY;
    known.askAt = Math.max(Math.min(verdict.askAt ?? Infinity, now + later), now + 1_000);
    known.asks += 1;
    if (answers) known.againAt = 0;
  }

  adjust(command: AdjustCommand): unknown {
    return this.#once(command, () => {
      const { on_hand, reserved } = this.level(command.storeId);
      const sign = command.type === "remove" || command.type === "damage" ? -1 : 1;
      const after = command.type === "set" ? command.quantity : on_hand + sign * command.quantity;
      if (after < reserved) return { kind: "stock_reserved", on_hand, reserved, requested: command.quantity };
      this.#change(command.storeId, after - on_hand, 0);
      return { kind: "done" };
    });
  }

  transfer(command: TransferCommand): unknown {
    return this.#once(command, () => {
      const { on_hand, reserved } = this.level(command.fromStoreId);
      if (on_hand - reserved < command.quantity) {
        return { kind: "stock_reserved", on_hand, reserved, requested: command.quantity };
      }
      this.#change(command.fromStoreId, -command.quantity, 0);
      this.#change(command.toStoreId, command.quantity, 0);
      return { kind: "done" };
    });
  }

  #once(command: AdjustCommand | TransferCommand, work: () => unknown): unknown {
    const body = JSON.stringify(command);
    const known = this.operations.get(command.operation);
    if (known) return known.body === body ? known.outcome : { kind: "operation_reused" };
    this.written = true;
    const outcome = work();
    this.operations.set(command.operation, { body, outcome });
    return outcome;
  }

  open({ levels }: OpenCommand): string[] {
    return levels.flatMap(({ store_id, quantity }) => {
      if (this.levels.has(store_id)) return [];
      this.#change(store_id, quantity, 0);
      return [store_id];
    });
  }
}

const allocations = ({ parts }: ModelClaim) =>
  [...parts]
    .map(([store_id, { kept, shipped }]) => ({ store_id, quantity: kept + shipped }))
    .sort((a, b) => (a.store_id < b.store_id ? -1 : 1));

function possible({ parts }: ModelClaim, state: FollowState): boolean {
  return Object.entries(state).every(([store, { keep, shipped }]) => {
    const part = parts.get(store) ?? { kept: 0, shipped: 0 };
    return shipped >= part.shipped && keep + shipped <= part.kept + part.shipped;
  });
}
