import type { Clock } from "../../platform/clock.ts";
import { constraintIn } from "../../platform/d1.ts";
import { describeError, type Log } from "../../platform/log.ts";
import type {
  AdjustCommand,
  AskFates,
  Carry,
  CommandBy,
  CommandOutcome,
  DumpOutcome,
  EmptyOutcome,
  FollowCommand,
  Followed,
  FollowOutcome,
  Hold,
  Inventory,
  Levels,
  LoadOutcome,
  LoadPage,
  Movement,
  MovementPage,
  OpenCommand,
  RepairCommand,
  RepairReport,
  ReserveOutcome,
  ReserveRequest,
  StockAudit,
  StockReport,
  TransferCommand,
} from "../stock-types.ts";
import { ASK_AGAIN_MS, applyAnswer, applyTold, nextDue, takeDue } from "./ask.ts";
import { Asked } from "./asked.ts";
import { audit, NOTHING_TO_AUDIT } from "./audit.ts";
import { Books } from "./books.ts";
import { dump } from "./dump.ts";
import { follow, followUninitialised } from "./follow.ts";
import { readHolds } from "./holds.ts";
import { readHandMovements, readMovements } from "./ledger.ts";
import { levelsIn, NO_LEVELS, readLevelsAt } from "./levels.ts";
import { empty, load } from "./load.ts";
import { adjust, onceByOperation, open, transfer } from "./operations.ts";
import { repair } from "./repair.ts";
import { acknowledge, arrivalOf, arrive, carryFollowed, isUntold, reportDue, takeReport } from "./report.ts";
import { NEVER_STOCKED, reserveEach } from "./reserve.ts";
import { initialise, isInitialised, type Meta, upgrade } from "./schema.ts";
import type { Sql, Turn } from "./sql-port.ts";

/** What the Stock logic is given. None of it knows about Durable Objects. */
export interface StockParts {
  sql: Sql;
  clock: Clock;
  log: Log;
  askFates: AskFates;
  sendReport(report: StockReport): Promise<void>;
  /** Makes sure that `alarm` is called at this time (milliseconds) or earlier; at once if it has passed. */
  arm(at: number): void;
}

/**
 * The stock of one product: StockCommands and the alarm, over ports. All its state is in its storage; in memory it has
 * copies of the small part that every turn needs. Each command is one synchronous turn. The same turn sets the alarm that
 * its holds and reports need, so that neither is stored without the other.
 */
export class Stock {
  readonly #parts: StockParts;
  #wasInitialised = false;
  /** Null while it must be read from the storage, and while a turn has it. */
  #remembered: Books | null = null;
  readonly #asked = new Asked();

  constructor(parts: StockParts) {
    this.#parts = parts;
  }

  reserve(
    productId: string,
    requests: ReserveRequest[],
    holdMs: number,
    generation?: number,
    carry?: Carry,
  ): ReserveOutcome[] {
    if (!this.#isInitialised()) return requests.map(() => NEVER_STOCKED);
    return this.#write(productId, generation, (turn) => {
      if (carry?.arrived) arrive(turn, carry.arrived);
      for (const claim of carry?.claims ?? []) this.#noteDrift(turn, applyTold(turn, claim));
      return reserveEach(turn, requests, turn.now + holdMs, carry !== undefined);
    });
  }

  follow(productId: string, commands: FollowCommand[], generation?: number): FollowOutcome[] {
    if (!this.#isInitialised()) return commands.map(followUninitialised);
    return this.#write(productId, generation, (turn) => commands.map((command) => follow(turn, command)));
  }

  followAndCarry(productId: string, commands: FollowCommand[], generation?: number): Followed {
    if (!this.#isInitialised()) return { outcomes: commands.map(followUninitialised), carried: null };
    return this.#write(productId, generation, (turn) => {
      const outcomes = commands.map((command) => follow(turn, command));
      return { outcomes, carried: carryFollowed(turn) };
    });
  }

  adjust(productId: string, command: AdjustCommand, generation?: number, by?: CommandBy): CommandOutcome {
    return this.#write(productId, generation, (turn) => onceByOperation(turn, command, adjust, by));
  }

  transfer(productId: string, command: TransferCommand, generation?: number): CommandOutcome {
    return this.#write(productId, generation, (turn) => onceByOperation(turn, command, transfer));
  }

  open(productId: string, command: OpenCommand, generation?: number): { opened: string[] } {
    if (command.levels.length === 0) return { opened: [] };
    return this.#write(productId, generation, (turn) => ({ opened: open(turn, command) }));
  }

  levels(): Levels {
    return this.#isInitialised() ? levelsIn(this.#books) : NO_LEVELS;
  }

  levelsAt(at: number): Levels {
    return this.#isInitialised() ? readLevelsAt(this.#parts.sql, at) : NO_LEVELS;
  }

  holds(): Hold[] {
    return this.#isInitialised() ? readHolds(this.#parts.sql) : [];
  }

  inventory(): Inventory {
    return { ...this.levels(), holds: this.holds() };
  }

  movements(before: number | null, limit: number): MovementPage {
    return this.#isInitialised()
      ? readMovements(this.#parts.sql, before, limit)
      : { movements: [], next: null };
  }

  handMovements(since: number, limit: number): Movement[] {
    return this.#isInitialised() ? readHandMovements(this.#parts.sql, since, limit) : [];
  }

  reported(epoch: number, version: number): void {
    if (this.#isInitialised()) this.#turn((turn) => acknowledge(turn, epoch, version));
  }

  /** Looks at what is stored, whatever memory says of it, and so does the repair that follows. */
  audit(claims: string[]): Omit<StockAudit, "alarm"> {
    this.#forgetBooks();
    return this.#isInitialised() ? audit(this.#now(), this.#asked, claims) : NOTHING_TO_AUDIT;
  }

  mend(productId: string, command: RepairCommand, generation?: number): RepairReport {
    this.#forgetBooks();
    return this.#write(productId, generation, (turn) => repair(turn, command));
  }

  /** All but what was never stored. */
  #forgetBooks(): void {
    const { sql } = this.#parts;
    this.#remembered &&= new Books(sql, this.#remembered.telling);
  }

  /** An object that is not there has nothing, but no dump can have begun in it. */
  dump(cursor: string | null): DumpOutcome {
    if (this.#isInitialised()) return dump(this.#parts.sql, cursor);
    return cursor === null ? { kind: "page", rows: [], next: null } : { kind: "restored" };
  }

  /** Leaves the alarm alone: it finds that the object is being restored. */
  empty(productId: string, generation: number): EmptyOutcome {
    const { sql, clock } = this.#parts;
    // Brings tables of an earlier version to this one.
    this.#isInitialised();
    this.#remembered = null;
    this.#asked.forget();
    return sql.transact(() => empty({ sql, now: clock.now() }, productId, generation));
  }

  /** Sets no alarm before the last part: an object that is only half loaded must not ask about claims. */
  load(productId: string, page: LoadPage): LoadOutcome {
    const { sql, clock } = this.#parts;
    if (!this.#isLoading(page.generation)) return { kind: "not_begun" };
    this.#remembered = null;
    try {
      this.#remembered = sql.transact(() => load({ sql, now: clock.now() }, productId, page));
      if (page.last) this.#arm();
      return { kind: "loaded" };
    } catch (error) {
      const message = constraintIn(error);
      if (message === null) throw error;
      return { kind: "unfit", message };
    }
  }

  /**
   * Asks for the fates of the holds that are due, and sends the report that is due. Never throws. It ends only when all of
   * it has come or failed, and the next alarm is set: if the object dies before that, Workers let this alarm ring again,
   * and what was not stored is done again.
   */
  async alarm(): Promise<void> {
    try {
      if (!this.#isInitialised() || this.#books.meta.loading) return;
      const { meta, claims, due, report } = this.#beginRound();
      const [missing] = await Promise.all([this.#ask(meta, claims, due === "look"), this.#send(report)]);
      await this.#send(missing);
      this.#arm();
    } catch (error) {
      this.#parts.log.error("stock alarm failed", { error: describeError(error) });
      this.#parts.arm(this.#parts.clock.now() + ASK_AGAIN_MS);
    }
  }

  /**
   * Sets no alarm, for that would take the place of the one that rings. The clock decides which claims are due. A report is
   * sent when the alarm was set for it, whatever the clock says: a report decides nothing, and a clock that stands still must
   * not delay it.
   */
  #beginRound() {
    return this.#store((turn) => {
      const at = Math.max(turn.now, nextDue(turn, this.#asked) ?? turn.now);
      const due = reportDue(turn, at);
      const report = due === "report" ? takeReport(turn, at) : null;
      return { meta: turn.books.meta, claims: takeDue(turn, this.#asked), due, report };
    });
  }

  /**
   * An answer is about the storage that asked. If the object was restored meanwhile, that one has another epoch.
   * @param looks whether it asks what the projection has of its levels, even if no claim is due
   * @returns the report of what it looked for and did not find
   */
  async #ask(
    { product_id: productId, epoch, generation }: Meta,
    claims: string[],
    looks: boolean,
  ): Promise<StockReport | null> {
    if (claims.length === 0 && !looks) return null;
    const { askFates, clock, log } = this.#parts;
    try {
      const answer = await askFates(productId, claims);
      const missing = this.#store((turn) => {
        const { meta } = turn.books;
        if (meta.epoch !== epoch || meta.generation !== generation || meta.loading) return null;
        arrive(turn, arrivalOf(turn, answer.projected));
        const lacks = looks && isUntold(turn.books);
        for (const claim of answer.claims) this.#noteDrift(turn, applyAnswer(turn, claim));
        return lacks ? takeReport(turn, turn.now) : null;
      });
      for (const { claim } of answer.claims) this.#asked.answered(claim);
      return missing;
    } catch (error) {
      this.#asked.note(claims, clock.now() + ASK_AGAIN_MS);
      if (looks) this.#books.telling.reportAt = clock.now() + ASK_AGAIN_MS;
      log.warn("holds could not ask for their fates", { product_id: productId, error: describeError(error) });
      return null;
    }
  }

  #noteDrift({ books }: Turn, outcome: FollowOutcome): void {
    const { product_id } = books.meta;
    if (outcome.kind === "drift")
      this.#parts.log.error("stock drifted from its orders", { product_id, ...outcome });
  }

  async #send(report: StockReport | null): Promise<void> {
    if (!report) return;
    const { sendReport, log } = this.#parts;
    try {
      await sendReport(report);
    } catch (error) {
      const { productId } = report;
      log.warn("a stock report could not be sent", { product_id: productId, error: describeError(error) });
    }
  }

  /** Asks the storage until it says yes. It stays so: a restore that empties an object makes its tables anew in one turn. */
  #isInitialised(): boolean {
    if (this.#wasInitialised) return true;
    const { sql } = this.#parts;
    if (!isInitialised(sql)) return false;
    sql.transact(() => upgrade(sql));
    this.#wasInitialised = true;
    return true;
  }

  get #books(): Books {
    this.#remembered ??= new Books(this.#parts.sql);
    return this.#remembered;
  }

  #isLoading(generation: number): boolean {
    if (!this.#isInitialised()) return false;
    const restored = this.#books.meta;
    return restored.loading === 1 && restored.generation === generation;
  }

  /** Throws for a command that may not be done: while the object is being restored, and for one from before that. */
  #write<T>(productId: string, generation: number | undefined, work: (turn: Turn) => T): T {
    // Asked before the turn begins: tables of an earlier version are upgraded then, and a turn that fails must not undo that.
    const isInitialised = this.#isInitialised();
    return this.#turn((turn) => {
      if (!isInitialised) initialise(turn, productId, generation ?? 0);
      else {
        const restored = turn.books.meta;
        if (restored.loading === 1) throw new Error("the stock object is being restored");
        if (generation !== undefined && generation < restored.generation) {
          throw new Error("the stock object was restored after this command began");
        }
      }
      return work(turn);
    });
  }

  /** Its alarm is set in the same turn. */
  #turn<T>(work: (turn: Turn) => T): T {
    const result = this.#store(work);
    this.#arm();
    return result;
  }

  /**
   * Takes what is remembered with it, and gives it back only when its transaction has been committed. So whatever
   * fails, nothing that was undone is remembered: the next turn reads the storage again.
   */
  #store<T>(work: (turn: Turn) => T): T {
    const turn = this.#now();
    const { sql, books } = turn;
    this.#remembered = null;
    const result = sql.transact(() => {
      const outcome = work(turn);
      books.write();
      return outcome;
    });
    this.#remembered = books;
    return result;
  }

  #arm(): void {
    const due = nextDue(this.#now(), this.#asked);
    if (due !== null) this.#parts.arm(due);
  }

  #now(): Turn {
    const { sql, clock } = this.#parts;
    return { sql, now: clock.now(), books: this.#books };
  }
}
