import { createDurable } from "itty-durable";
import { type Hit, inWindow, slide, type Take, type TakeAnswer, WINDOW_MS } from "./window.ts";

/** The type of an itty-durable object, which comes without one. Its public fields are stored under one key. */
interface IttyObject {
  fetch(request: Request): Promise<Response>;
  loadFromStorage(): Promise<void>;
  persist(): Promise<void>;
  /** Empties the storage; the fields in memory stay. */
  destroy(): Promise<void>;
  setAlarm(at: number): Promise<void>;
}

/** `autoPersist` calls `persist` after each call; the output gate delays the answer until that is stored. */
const IttyDurable = createDurable({ autoPersist: true }) as unknown as new (
  state: DurableObjectState,
  env: Cloudflare.Env,
) => IttyObject;

/** The methods of the class below that a Worker may call. */
export interface RateLimiterApi {
  take(take: Take): Promise<TakeAnswer>;
}

/**
 * One object for each limited party, with its requests of the last window. They are stored, because objects are
 * evicted after some idle seconds. An alarm empties the storage once the party has sent nothing for a whole window.
 */
export class RateLimiter extends IttyDurable implements RateLimiterApi {
  /** Stored; the oldest first. */
  log: Hit[] = [];
  /** Stored; how long this party's window is. */
  windowMs = WINDOW_MS;
  /** Stored; the time of the alarm, null when none is set. */
  sweepAt: number | null = null;
  /** Not stored, as it is private. */
  #changed = false;

  async take(take: Take): Promise<TakeAnswer> {
    const { log, answer } = slide(this.log, take);
    this.#changed = log.at(-1) !== this.log.at(-1);
    this.log = log;
    this.windowMs = take.windowMs ?? WINDOW_MS;
    if (this.#changed && this.sweepAt === null) {
      this.sweepAt = take.now + this.windowMs;
      await this.setAlarm(this.sweepAt);
    }
    return answer;
  }

  /** A refused request and a retry change nothing, so nothing is written for them. */
  override async persist(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    await super.persist();
  }

  /** Uses the system's clock, which is good enough to tidy up; limits are decided by the time that callers pass. */
  async alarm(): Promise<void> {
    await this.loadFromStorage();
    this.log = inWindow(this.log, Date.now(), this.windowMs);
    const newest = this.log.at(-1);
    if (!newest) {
      this.sweepAt = null;
      await this.destroy();
      return;
    }
    this.sweepAt = newest.at + this.windowMs;
    await this.setAlarm(this.sweepAt);
    this.#changed = true;
    await this.persist();
  }
}
