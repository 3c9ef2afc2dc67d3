import { DurableObject } from "cloudflare:workers";
import type { Clock } from "../platform/clock.ts";
import { createLog } from "../platform/log.ts";
import type { Sql, SqlValue } from "./sql-port.ts";
import { Stock } from "./stock.ts";
import type {
  AdjustCommand,
  AskFates,
  FollowCommand,
  LoadPage,
  MendCommand,
  OpenCommand,
  ReserveRequest,
  StockCommands,
  TransferCommand,
} from "./stock-types.ts";

/** What the object needs from outside: wired in worker.ts. */
export interface StockPorts {
  clock: Clock;
  askFates: AskFates;
}

/** The Durable Object of one product: a thin shell of storage, alarm and RPC around the Stock logic. */
export abstract class StockObject extends DurableObject<Cloudflare.Env> implements StockCommands {
  protected abstract readonly ports: StockPorts;
  /** What the alarm is known to be set for; null when not known. */
  #armedFor: number | null = null;
  #logic: Stock | null = null;

  /** Made at first use: the ports are a subclass's fields, which do not exist yet in this constructor. */
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
   * Only ever moves the alarm earlier; just woken, it sets it to what the storage says comes next. No await stands
   * between a turn's writes and this, so they are stored together; a failure of either breaks the output gate, and
   * nobody hears of a hold that will not ask.
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

  async reserve(productId: string, requests: ReserveRequest[], holdFor: number) {
    return this.#stock.reserve(productId, requests, holdFor);
  }

  async follow(productId: string, commands: FollowCommand[]) {
    return this.#stock.follow(productId, commands);
  }

  async adjust(productId: string, command: AdjustCommand) {
    return this.#stock.adjust(productId, command);
  }

  async transfer(productId: string, command: TransferCommand) {
    return this.#stock.transfer(productId, command);
  }

  async open(productId: string, command: OpenCommand) {
    return this.#stock.open(productId, command);
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

  async reported(epoch: number, version: number) {
    this.#stock.reported(epoch, version);
  }

  /** While the alarm is read nothing else comes in: it and the audit are of one moment. */
  async audit(claims: string[]) {
    const alarm = await this.ctx.storage.getAlarm();
    return { ...this.#stock.audit(claims), alarm };
  }

  /** Sets the alarm whatever it was believed to be set for: one that slept is what may have to be mended. */
  async mend(productId: string, command: MendCommand) {
    this.#armedFor = null;
    return this.#stock.mend(productId, command);
  }

  async dump(cursor: string | null) {
    return this.#stock.dump(cursor);
  }

  async load(productId: string, page: LoadPage) {
    if (page.first) await this.ctx.storage.deleteAlarm();
    this.#armedFor = null;
    return this.#stock.load(productId, page);
  }

  async empty() {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#armedFor = null;
    this.#logic = null;
  }
}

const sqlOf = (storage: DurableObjectStorage): Sql => ({
  all: <T>(query: string, ...params: SqlValue[]) => storage.sql.exec(query, ...params).toArray() as T[],
  transact: (work) => storage.transactionSync(work),
});
