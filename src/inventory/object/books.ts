import type { Count, Held } from "../stock-types.ts";
import { type Meta, readMeta } from "./schema.ts";
import type { Sql } from "./sql-port.ts";

/** A level as it is stored. */
export interface StoredLevel extends Count {
  /** The object's version when this level last changed. */
  version: number;
}

/** What identifies a line of the ledger: its number, and its stamp in milliseconds. */
interface Line {
  seq: number;
  at: number;
}

/**
 * What an object knows of what the projection has, and by when it must tell the rest. It is in memory alone, but for
 * `acked` after a report: its alarm is set by each turn that needs one, and stays set. So an object that wakes knows
 * nothing of it, and when its alarm rings, it looks what the projection has.
 */
export interface Telling {
  /** The projection has everything up to this version. */
  acked: number;
  /** When a report was sent, or carried, last; milliseconds. */
  sentAt: number;
  /** When a report of what is untold is due, milliseconds; null while nothing is, or nothing is known of it. */
  reportAt: number | null;
  /** Whether others may have written what is untold: then the object looks before it reports. */
  carried: boolean;
}

/**
 * What a living object remembers of its storage: its row of `meta`, its levels, the last line of its ledger, and
 * its provisional claims. Nobody else reads or writes that storage, so each is read once, when it is first needed. A turn makes its changes here, and
 * `write` stores them once, at its end and in its transaction.
 */
export class Books {
  readonly #sql: Sql;
  #meta: Meta | null = null;
  #metaChanged = false;
  #levels: Map<string, StoredLevel> | null = null;
  readonly #changedStores = new Set<string>();
  #lastLine: Line | null = null;
  #provisional: Map<string, Held[]> | null = null;
  #telling: Telling | null;

  /** @param telling what is known of the projection; null for who has just woken */
  constructor(sql: Sql, telling: Telling | null = null) {
    this.#sql = sql;
    this.#telling = telling;
  }

  /** To be changed in place. */
  get telling(): Telling {
    this.#telling ??= { acked: this.meta.acked, sentAt: 0, reportAt: null, carried: true };
    return this.#telling;
  }

  /** How often levels have changed. No level is ever deleted, so the one that changed last has it. */
  get version(): number {
    return Math.max(0, ...[...this.levels.values()].map(({ version }) => version));
  }

  get meta(): Readonly<Meta> {
    this.#meta ??= readMeta(this.#sql);
    return this.#meta;
  }

  /** By store, in the order of their ids. */
  get levels(): ReadonlyMap<string, Readonly<StoredLevel>> {
    return this.#readLevels();
  }

  changeMeta(changes: Partial<Meta>): void {
    const before = this.meta;
    this.#meta = { ...before, ...changes };
    this.#metaChanged ||= Object.entries(changes).some(([key, value]) => before[key as keyof Meta] !== value);
  }

  /** Throws where `0 <= reserved <= on_hand` does not hold, at once: the table would only look at the turn's last word. */
  setLevel(storeId: string, level: StoredLevel): void {
    const { on_hand, reserved } = level;
    if (!(0 <= reserved && reserved <= on_hand)) {
      throw new Error(`${reserved} of ${on_hand} units cannot be reserved in ${storeId}`);
    }
    const levels = this.#readLevels();
    const isNew = !levels.has(storeId);
    levels.set(storeId, level);
    if (isNew) this.#levels = new Map([...levels].sort(([one], [other]) => (one < other ? -1 : 1)));
    this.#changedStores.add(storeId);
  }

  /** The number and stamp of the ledger's next line. Its stamp is not before that of the last, even if the clock is. */
  nextLine(now: number): Line {
    const last = this.#readLastLine();
    this.#lastLine = { seq: last.seq + 1, at: Math.max(now, last.at) };
    return this.#lastLine;
  }

  /** The number of the ledger's last line; 0 while it has none. */
  get lastSeq(): number {
    return this.#readLastLine().seq;
  }

  /** When that line was written, milliseconds; 0 while there is none. */
  get lastAt(): number {
    return this.#readLastLine().at;
  }

  /**
   * The parts of each open claim that no living order is known of. There are as few as orders being placed at the moment,
   * so no index needs to find them; the first time, all open claims are looked through.
   */
  get provisional(): ReadonlyMap<string, readonly Held[]> {
    this.#provisional ??= new Map(
      this.#sql
        .all<{ claim: string; parts: string }>(
          "SELECT claim, parts FROM claims INDEXED BY claims_due WHERE state = 'open' AND version = 0",
        )
        .map(({ claim, parts }) => [claim, JSON.parse(parts)]),
    );
    return this.#provisional;
  }

  /** To be told of each claim that is written. While nobody has asked for the provisional ones, they are in the storage. */
  noteClaim(claim: string, isProvisional: boolean, parts: Held[]): void {
    if (isProvisional) this.#provisional?.set(claim, parts);
    else this.#provisional?.delete(claim);
  }

  /** Stores what was changed. To be called at the end of a turn, in its transaction. */
  write(): void {
    if (this.#metaChanged) {
      const { epoch, acked } = this.meta;
      this.#sql.all("UPDATE meta SET epoch = ?, acked = ?", epoch, acked);
      this.#metaChanged = false;
    }
    for (const storeId of this.#changedStores) this.#writeLevel(storeId);
    this.#changedStores.clear();
  }

  #writeLevel(storeId: string): void {
    const level = this.#readLevels().get(storeId);
    if (!level) return;
    this.#sql.all(
      `INSERT INTO levels (store_id, on_hand, reserved, version) VALUES (?, ?, ?, ?)
       ON CONFLICT (store_id) DO UPDATE
         SET on_hand = excluded.on_hand, reserved = excluded.reserved, version = excluded.version`,
      ...[storeId, level.on_hand, level.reserved, level.version],
    );
  }

  #readLastLine(): Line {
    this.#lastLine ??= this.#sql.all<Line>("SELECT seq, at FROM movements ORDER BY seq DESC LIMIT 1")[0] ?? {
      seq: 0,
      at: 0,
    };
    return this.#lastLine;
  }

  #readLevels(): Map<string, StoredLevel> {
    this.#levels ??= new Map(
      this.#sql
        .all<StoredLevel & { store_id: string }>(
          "SELECT store_id, on_hand, reserved, version FROM levels ORDER BY store_id",
        )
        .map(({ store_id, ...level }) => [store_id, level]),
    );
    return this.#levels;
  }
}
