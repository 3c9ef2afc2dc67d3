import { DurableObject } from "cloudflare:workers";
import type { Clock } from "../../platform/clock.ts";
import { createLog } from "../../platform/log.ts";
import type {
  AdjustCommand,
  AskFates,
  Carry,
  CommandBy,
  FollowCommand,
  LoadPage,
  OpenCommand,
  RepairCommand,
  ReserveRequest,
  StockCommands,
  TransferCommand,
} from "../stock-types.ts";
import type { Sql, SqlValue } from "./sql-port.ts";
import { Stock } from "./stock.ts";

/** What the object needs from outside; worker.ts provides it. */
export interface StockPorts {
  clock: Clock;
  askFates: AskFates;
}

/** The Durable Object of one product: storage, alarm and RPC around the logic of stock.ts. */
export abstract class StockObject extends DurableObject<Cloudflare.Env> implements StockCommands {
  protected abstract readonly ports: StockPorts;
  /** The time that the alarm is known to be set for, milliseconds; null when it is not known. */
  #armedFor: number | null = null;
  #logic: Stock | null = null;

  /** An object that wakes looks for its alarm, so that none is set that is set already: each costs a row. */
  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env);
    void state.blockConcurrencyWhile(async () => {
      this.#armedFor = await state.storage.getAlarm();
    });
  }

  /** Made at its first use, because `ports` is a subclass's field and does not exist yet in this constructor. */
  get #stock(): Stock {
    this.#logic ??= new Stock({
      ...this.ports,
      sql: sqlOf(this.ctx.storage),
      log: createLog({ part: "stock", object: this.ctx.id.toString() }),
      sendReport: async (report) => {
        await this.env.INVENTORY_QUEUE.send(report);
      },
      arm: (at) => this.#arm(at),
    });
    return this.#logic;
  }

  /**
   * Only ever moves the alarm earlier. No await stands between a turn's writes and this call, so Workers stores both
   * together. If either fails, the output gate sends no answer, so nobody learns of a hold that will never ask.
   */
  #arm(at: number): void {
    if (this.#armedFor !== null && this.#armedFor <= at) return;
    this.#armedFor = at;
    void this.ctx.storage.setAlarm(at);
  }

  override async alarm(): Promise<void> {
    this.#armedFor = null;
    await this.#stock.alarm();
  }

  async reserve(
    productId: string,
    requests: ReserveRequest[],
    holdMs: number,
    generation?: number,
    carry?: Carry,
  ) {
    return this.#stock.reserve(productId, requests, holdMs, generation, carry);
  }

  async follow(productId: string, commands: FollowCommand[], generation?: number) {
    return this.#stock.follow(productId, commands, generation);
  }

  async followAndCarry(productId: string, commands: FollowCommand[], generation?: number) {
    return this.#stock.followAndCarry(productId, commands, generation);
  }

  async adjust(productId: string, command: AdjustCommand, generation?: number, by?: CommandBy) {
    return this.#stock.adjust(productId, command, generation, by);
  }

  async transfer(productId: string, command: TransferCommand, generation?: number) {
    return this.#stock.transfer(productId, command, generation);
  }

  async open(productId: string, command: OpenCommand, generation?: number) {
    return this.#stock.open(productId, command, generation);
  }

  async levels() {
    return this.#stock.levels();
  }

  async levelsAt(at: number) {
    return this.#stock.levelsAt(at);
  }

  async holds() {
    return this.#stock.holds();
  }

  async inventory() {
    return this.#stock.inventory();
  }

  async movements(before: number | null, limit: number) {
    return this.#stock.movements(before, limit);
  }

  async handMovements(since: number, limit: number) {
    return this.#stock.handMovements(since, limit);
  }

  async reported(epoch: number, version: number) {
    this.#stock.reported(epoch, version);
  }

  /** No other call is delivered while the alarm is read, so the alarm and the audit are of one moment. */
  async audit(claims: string[]) {
    const alarm = await this.ctx.storage.getAlarm();
    return { ...this.#stock.audit(claims), alarm };
  }

  /** Sets the alarm whatever `#armedFor` says: an alarm that was lost may be the very thing to repair. */
  async mend(productId: string, command: RepairCommand, generation?: number) {
    this.#armedFor = null;
    return this.#stock.mend(productId, command, generation);
  }

  async dump(cursor: string | null) {
    return this.#stock.dump(cursor);
  }

  /** No await stands before the alarm goes, so both are stored together, as in `#arm`. */
  async empty(productId: string, generation: number) {
    const outcome = this.#stock.empty(productId, generation);
    if (outcome.kind === "emptied") {
      this.#armedFor = null;
      void this.ctx.storage.deleteAlarm();
    }
    return outcome;
  }

  async load(productId: string, page: LoadPage) {
    this.#armedFor = null;
    return this.#stock.load(productId, page);
  }
}

const sqlOf = (storage: DurableObjectStorage): Sql => ({
  all: <T>(query: string, ...params: SqlValue[]) => storage.sql.exec(query, ...params).toArray() as T[],
  transact: (work) => storage.transactionSync(work),
});
