import type { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { getLogger } from "@logtape/logtape";
import { expect } from "vitest";
import type { Sql, SqlValue } from "../../src/inventory/object/sql-port.ts";
import { Stock } from "../../src/inventory/object/stock.ts";
import type {
  AdjustType,
  Carry,
  ClaimState,
  Count,
  FatesAnswer,
  FollowCommand,
  FollowState,
  ReserveOutcome,
  ReserveRequest,
  StockReport,
} from "../../src/inventory/stock-types.ts";
import { nodeSql } from "./node-sql.ts";
import { StockModel } from "./stock-model.ts";

const PRODUCT = "prd_1";
const HOLD = 60_000;
/** A change waits so long for a report at most; a report for its acknowledgement; what the answer to a hold carries, and that to a follow, so long. */
const SOON = 4_000;
const REPORTED = 60_000 + SOON;
const CARRIED = 300_000;
const FOLLOWED = 25 * 3_600_000;
/** A logger that nobody listens to. */
const SILENT = getLogger("silent");
const DAY = 24 * 60 * 60_000;

export type Step =
  /** `carries`: its caller writes news to the projection; `tells`: it also says what has arrived there. */
  | { do: "reserve"; requests: Omit<ReserveRequest, "orderId">[]; carries: boolean; tells: boolean }
  /** The batch that has the last news that an answer carried comes; all others are lost. */
  | { do: "record" }
  /** Something becomes of an order in D1; the object does not hear of it yet. */
  | { do: "decide"; claim: string; what: "place" | "die" | "ship" | "cancel"; units: number }
  /** A command about the order's latest version arrives, or about one before it. */
  | { do: "follow"; claim: string; back: number; carries: boolean }
  /** A command that no order stands behind. */
  | { do: "lie"; claim: string; version: number; state: FollowState }
  | { do: "adjust"; operation: string; store: string; type: AdjustType; quantity: number }
  | { do: "transfer"; operation: string; from: string; to: string; quantity: number }
  | { do: "open"; levels: { store_id: string; quantity: number }[] }
  /** `die`: the process ends while the question is on its way. */
  | { do: "alarm"; later: number; fates: "all" | "some" | "none" | "throw" | "die" }
  /** The last report that was sent arrives; all others are lost. */
  | { do: "acknowledge" }
  | { do: "evict" }
  /** After so many statements the next one fails, or else the commit; then the same again. */
  | { do: "fail"; after: number; requests: Omit<ReserveRequest, "orderId">[]; carries: boolean };

/** One life of a Stock object beside its model: takes steps, and looks at everything after each. */
export class StockRun {
  readonly #sql: Sql;
  readonly #model = new StockModel();
  /** What D1 says of each claim: every version of its order, the first being its birth or its claim's death. */
  readonly #orders = new Map<string, FollowCommand[]>();
  readonly #projection = new Map<string, StockReport["levels"][number] & { epoch: number }>();
  /** The last news that an answer carried. */
  #carried: StockReport | null = null;
  /** The last news that an answer carried and that arrived, until the object hears it. */
  #arrived: StockReport | null = null;
  #stock: Stock;
  #now = 1_800_000_000_000;
  #armed: number | null = null;
  /** When a report of its own is due at the latest; 0 where others were to write what is untold. */
  #reportsBy = 0;
  /** What the last alarm was set for. */
  #rang = 0;
  #report: StockReport | null = null;
  /** By when its alarm must ring for what the projection lacks; while that lacks nothing, it need not. */
  #tellsBy = Infinity;
  #fates: Extract<Step, { do: "alarm" }>["fates"] = "all";
  #asked: string[] = [];
  /** Whether a question is on its way that no answer will come to. */
  #waits = false;
  #lied = false;
  /** How long what this step's answer carried may be untold, milliseconds; null where it carried nothing. */
  #carriedFor: number | null = null;
  /** How many statements succeed before one fails, if any is to fail; then no commit succeeds. */
  #succeed: number | null = null;

  constructor(db: DatabaseSync) {
    this.#sql = this.#failing(nodeSql(db));
    this.#stock = this.#wake();
  }

  /** The same storage, a new instance: what an eviction or a crash leaves. */
  #wake(): Stock {
    return new Stock({
      sql: this.#sql,
      clock: { now: () => this.#now, sleep: async () => {} },
      log: SILENT,
      arm: (at) => {
        this.#armed = Math.min(at, this.#armed ?? at);
      },
      sendReport: async (report) => {
        this.#report = report;
      },
      askFates: (productId, claims) => this.#askFates(productId, claims),
    });
  }

  #failing({ all, transact }: Sql): Sql {
    return {
      all: <T>(query: string, ...params: SqlValue[]) => {
        if (this.#succeed === 0) throw new Error("the disk is full");
        if (this.#succeed !== null) this.#succeed -= 1;
        return all<T>(query, ...params);
      },
      transact: (work) =>
        transact(() => {
          const result = work();
          if (this.#succeed !== null) throw new Error("the disk is full");
          return result;
        }),
    };
  }

  async take(step: Step): Promise<void> {
    const before = this.#versions();
    this.#carriedFor = null;
    await this.#take(step);
    // A report is due again after when it, or its alarm, was due, however late that is by a clock that stands still.
    const reportedAt = Math.max(this.#rang, this.#reportsBy, this.#now);
    const within = step.do === "alarm" ? reportedAt - this.#now + REPORTED : SOON;
    if (this.#versions() !== before) this.#tellsBy = Math.min(this.#tellsBy, this.#now + within);
    // An alarm may have sent a report, which it repeats. What an answer carries is all that is untold.
    if (step.do === "alarm") this.#tellsBy = Math.max(this.#tellsBy, this.#now + within);
    if (this.#carriedFor !== null) this.#tellsBy = this.#now + this.#carriedFor;
    if (this.#carriedFor !== null || this.#tellsBy === Infinity) this.#reportsBy = 0;
    else if (step.do === "alarm" || this.#versions() !== before) this.#reportsBy = this.#tellsBy;
    this.#check();
  }

  #versions(): string {
    if (!this.#model.written) return "";
    return JSON.stringify(this.#sql.all("SELECT store_id, version FROM levels ORDER BY store_id"));
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case "reserve":
        return this.#reserve(step.requests, step.carries, step.tells);
      case "record":
        this.#arrived = this.#carried;
        return this.#project(this.#carried);
      case "decide":
        return this.#decide(step.claim, step.what, step.units);
      case "follow": {
        const command = this.#orders.get(step.claim)?.at(-1 - step.back);
        if (command) this.#follow(command, step.carries);
        return;
      }
      case "lie":
        this.#lied = true;
        return this.#follow({ claim: step.claim, version: step.version, state: step.state }, false);
      case "adjust": {
        const { operation, store: storeId, type, quantity } = step;
        const command = { operation, storeId, type, quantity, reason: "r", reference: null, actor: "a" };
        const expected = this.#model.adjust(command);
        return this.#twice(() => this.#stock.adjust(PRODUCT, command), expected);
      }
      case "transfer": {
        if (step.from === step.to) return;
        const { operation, from: fromStoreId, to: toStoreId, quantity } = step;
        const command = { operation, fromStoreId, toStoreId, quantity, reason: "r", actor: "a" };
        const expected = this.#model.transfer(command);
        return this.#twice(() => this.#stock.transfer(PRODUCT, command), expected);
      }
      case "open": {
        const command = { levels: step.levels, actor: "a" };
        expect(this.#stock.open(PRODUCT, command).opened).toEqual(this.#model.open(command));
        return this.#changesNothing(() => expect(this.#stock.open(PRODUCT, command)).toEqual({ opened: [] }));
      }
      case "alarm":
        return this.#alarm(step.later, step.fates);
      case "acknowledge":
        return this.#acknowledge();
      case "evict":
        this.#stock = this.#wake();
        this.#model.evict();
        return;
      case "fail":
        return this.#fail(step.after, step.requests, step.carries);
    }
  }

  #reserve(given: Omit<ReserveRequest, "orderId">[], carries: boolean, tells: boolean): void {
    const requests = requestsOf(given);
    const deadline = this.#now + HOLD;
    const told = carries && tells;
    const carry = {
      arrived: told ? this.#arrived : null,
      claims: told ? this.#placed() : [],
    };
    if (told) this.#arrived = null;
    for (const claim of carry.claims) this.#model.hear(claim, this.#now);
    const expected = requests.map((request) => this.#model.reserve(request, deadline));
    const outcomes = this.#stock.reserve(PRODUCT, requests, HOLD, 0, carries ? carry : undefined);
    const news = outcomes.flatMap((outcome) =>
      outcome.kind === "held" && outcome.carried ? [outcome.carried] : [],
    );
    expect(news.length).toBeLessThanOrEqual(carries ? 1 : 0);
    if (news[0]) {
      this.#carried = news[0];
      this.#carriedFor = CARRIED;
    }
    expect(outcomes.map((outcome) => omitNews(outcome))).toEqual(expected);
    this.#changesNothing(() =>
      this.#stock.reserve(PRODUCT, requests, HOLD, 0, carries ? NOTHING_NEW : undefined),
    );
  }

  /** What D1 says of each claim whose order was placed, as it was placed: by now the object may have heard more. */
  #placed(): ClaimState[] {
    return [...this.#orders.values()].flatMap(([first]) =>
      first && Object.keys(first.state).length > 0 ? [{ ...first, askAt: null }] : [],
    );
  }

  /** A reserve that fails anywhere changes nothing, neither in the storage nor in what the object remembers of it. */
  #fail(after: number, given: Omit<ReserveRequest, "orderId">[], carries: boolean): void {
    if (this.#model.written) {
      this.#changesNothing(() => {
        this.#succeed = after;
        try {
          const carry = carries ? { arrived: this.#arrived, claims: this.#placed() } : undefined;
          expect(() => this.#stock.reserve(PRODUCT, requestsOf(given), HOLD, 0, carry)).toThrow(
            "the disk is full",
          );
        } finally {
          this.#succeed = null;
        }
      });
      this.#check();
    }
    this.#reserve(given, carries, false);
  }

  #follow(command: FollowCommand, carries: boolean): void {
    const expected = this.#model.follow(command);
    if (carries) {
      const { outcomes, carried } = this.#stock.followAndCarry(PRODUCT, [command]);
      expect(outcomes).toMatchObject([{ kind: expected }]);
      if (carried) {
        this.#carried = carried;
        this.#carriedFor = FOLLOWED;
      }
    } else expect(this.#stock.follow(PRODUCT, [command])).toMatchObject([{ kind: expected }]);
    this.#changesNothing(() => this.#stock.follow(PRODUCT, [command]));
  }

  /** A person's command, and its retry: the same answer, and no second effect. */
  #twice(command: () => unknown, expected: unknown): void {
    const outcome = command();
    expect(outcome).toMatchObject(expected as object);
    this.#changesNothing(() => expect(command()).toEqual(outcome));
  }

  #decide(claim: string, what: "place" | "die" | "ship" | "cancel", units: number): void {
    const versions = this.#orders.get(claim) ?? [];
    const last = versions.at(-1);
    const held = this.#model.claims.get(claim);
    if (!last && what === "place" && held && !held.settled) {
      const state = Object.fromEntries(
        [...held.parts].map(([id, { kept }]) => [id, { keep: kept, shipped: 0 }]),
      );
      this.#orders.set(claim, [{ claim, version: 1, state }]);
    } else if (!last && what === "die") {
      this.#orders.set(claim, [{ claim, version: 1, state: {} }]);
    } else if (last && Object.keys(last.state).length > 0 && (what === "ship" || what === "cancel")) {
      const state = Object.fromEntries(
        Object.entries(last.state).map(([id, { keep, shipped }]) => {
          const leaves = what === "ship" ? Math.min(units, keep) : 0;
          return [id, { keep: what === "ship" ? keep - leaves : 0, shipped: shipped + leaves }];
        }),
      );
      versions.push({ claim, version: last.version + 1, state });
    }
  }

  async #askFates(productId: string, claims: string[]): Promise<FatesAnswer> {
    expect(productId).toBe(PRODUCT);
    this.#asked = [...claims];
    if (this.#fates === "throw") throw new Error("D1 is down");
    if (this.#fates === "die") {
      this.#waits = true;
      return new Promise(() => {});
    }
    const answered = claims.filter(
      (_, index) => this.#fates === "all" || (this.#fates === "some" && index % 2 === 0),
    );
    const projected = [...this.#projection.values()];
    const states = answered.map((claim) => {
      if (!this.#orders.has(claim)) this.#orders.set(claim, [{ claim, version: 1, state: {} }]);
      const verdict = { ...(this.#orders.get(claim)?.at(-1) as FollowCommand), askAt: null };
      this.#model.obey(verdict, this.#now);
      return verdict;
    });
    return { claims: states, projected };
  }

  async #alarm(later: number, fates: Extract<Step, { do: "alarm" }>["fates"]): Promise<void> {
    this.#now += later;
    this.#fates = fates;
    this.#asked = [];
    this.#rang = this.#armed ?? 0;
    this.#armed = null;
    const due = this.#model.due(this.#now);
    this.#model.putOff(due, this.#now);
    this.#waits = false;
    const alarm = this.#stock.alarm();
    // It awaits an answer that never comes. One that asks nothing has ended by then.
    if (this.#waits) {
      this.#stock = this.#wake();
      this.#model.evict();
      // The runtime lets an alarm that did not end ring again.
      this.#armed = this.#now;
    } else await alarm;
    expect(this.#asked.sort()).toEqual(due.sort());
  }

  #acknowledge(): void {
    if (!this.#report) return;
    const { epoch, version } = this.#report;
    this.#project(this.#report);
    this.#stock.reported(epoch - 1, version + 1_000);
    this.#stock.reported(epoch, version);
  }

  /** Newer levels only, as in D1. */
  #project(report: StockReport | null): void {
    for (const level of report?.levels ?? []) {
      const known = this.#projection.get(level.storeId);
      if (!known || level.version > known.version)
        this.#projection.set(level.storeId, { ...level, epoch: report?.epoch ?? 0 });
    }
  }

  #changesNothing(command: () => void): void {
    const before = this.#dump();
    command();
    mustEqual(this.#dump(), before);
  }

  #dump(): string {
    return JSON.stringify(this.#tables().map((table) => this.#sql.all(`SELECT * FROM ${table}`)));
  }

  #tables(): string[] {
    const tables = this.#sql.all<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'");
    return tables.map(({ name }) => name);
  }

  #check(): void {
    if (!this.#model.written) {
      expect(this.#tables()).toEqual([]);
      return;
    }
    const levels = this.#stock.levels().stores;
    mustEqual(byStore(levels), this.#model.levels);
    for (const { on_hand, reserved } of levels) {
      const possible = Number.isInteger(reserved) && reserved >= 0 && reserved <= on_hand;
      if (!possible) throw new Error(`${reserved} of ${on_hand} are reserved`);
    }
    this.#checkHolds();
    this.#checkLedger();
    this.#checkAlarm();
  }

  /** Reserved is what open holds keep, store by store; what is settled keeps nothing. */
  #checkHolds(): void {
    const open = [...this.#model.claims].filter(([, claim]) => !claim.settled);
    const holds = this.#stock.holds();
    mustEqual(
      new Map(holds.map(({ claim, confirmed, ask_at }) => [claim, { confirmed, ask_at }])),
      new Map(
        open.map(([claim, { version, askAt }]) => [
          claim,
          { confirmed: version > 0, ask_at: new Date(askAt).toISOString() },
        ]),
      ),
    );
    for (const [store, { reserved }] of this.#model.levels) {
      const kept = holds
        .flatMap(({ allocations }) => allocations)
        .filter(({ store_id }) => store_id === store);
      mustEqual(
        kept.reduce((sum, { quantity }) => sum + quantity, 0),
        reserved,
      );
    }
    const [leak] = this.#sql.all(
      "SELECT * FROM claims, json_each(parts) AS part WHERE state = 'settled' AND part.value ->> 'kept' > 0",
    );
    mustEqual(leak, undefined);
  }

  /** The levels are the sums of what the ledger's lines changed. */
  #checkLedger(): void {
    const sums = this.#sql.all<Count & { store_id: string }>(
      `SELECT store_id, SUM(on_hand_after - on_hand_before) AS on_hand,
         SUM(reserved_after - reserved_before) AS reserved
       FROM movements GROUP BY store_id`,
    );
    mustEqual(byStore(sums), this.#model.levels);
  }

  /** No open hold and no untold news is without an alarm that comes in time. */
  #checkAlarm(): void {
    const [{ acked } = { acked: 0 }] = this.#sql.all<{ acked: number }>("SELECT acked FROM meta");
    // What counts as told has arrived.
    const levels = this.#sql.all<{ store_id: string; version: number }>("SELECT * FROM levels");
    const lacks = ({ store_id, version }: { store_id: string; version: number }) =>
      this.#projection.get(store_id)?.version !== version;
    for (const level of levels) if (level.version <= acked) expect(lacks(level)).toBe(false);
    if (!levels.some(lacks)) this.#tellsBy = Infinity;
    const due = Math.min(this.#model.asksAt, this.#tellsBy);
    expect(this.#armed ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(due);
  }

  /** Messages stop being lost: holds come to rest, and the projection is told everything. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await this.take({ do: "alarm", later: DAY, fates: "all" });
      await this.take({ do: "acknowledge" });
    }
    for (const [store, level] of this.#model.levels)
      expect(this.#projection.get(store)).toMatchObject({ onHand: level.on_hand, reserved: level.reserved });
    if (this.#lied) return;
    for (const [claim, { settled, parts }] of this.#model.claims) {
      const state = this.#orders.get(claim)?.at(-1)?.state ?? {};
      for (const [store, { kept, shipped }] of parts)
        expect({ keep: kept, shipped }).toEqual(state[store] ?? { keep: 0, shipped: 0 });
      expect(settled).toBe(Object.values(state).every(({ keep }) => keep === 0));
    }
  }
}

function omitNews(outcome: ReserveOutcome): unknown {
  if (outcome.kind !== "held") return outcome;
  const { carried: _carried, ...held } = outcome;
  return held;
}

const NOTHING_NEW: Carry = { arrived: null, claims: [] };

const requestsOf = (given: Omit<ReserveRequest, "orderId">[]): ReserveRequest[] =>
  given.map((request) => ({ ...request, orderId: `ord_${request.claim}` }));

const byStore = (levels: (Count & { store_id: string })[]): Map<string, Count> =>
  new Map(levels.map(({ store_id, on_hand, reserved }) => [store_id, { on_hand, reserved }]));

/**
 * `toEqual`, for what is asked some 100,000 times: its own comparison is slow, and is made only where a stricter and faster
 * one finds a difference.
 */
function mustEqual(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}
