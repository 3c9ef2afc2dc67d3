import { createDurable } from "itty-durable";
import { type Hit, inWindow, slide, type Take, type TakeAnswer, WINDOW_MS } from "./window.ts";

/** The face of an itty-durable object, which comes without one. Public fields are kept under one storage key. */
interface IttyObject {
  fetch(request: Request): Promise<Response>;
  loadFromStorage(): Promise<void>;
  persist(): Promise<void>;
  /** Empties the storage; fields in memory stay. */
  destroy(): Promise<void>;
  setAlarm(at: number): Promise<void>;
}

/** `autoPersist` calls `persist` after each call; the output gate holds the answer back until it is written. */
const IttyDurable = createDurable({ autoPersist: true }) as unknown as new (
  state: DurableObjectState,
  env: Cloudflare.Env,
) => IttyObject;

/** What the proxy of itty-durable offers of the class below. */
export interface RateLimiterFace {
  take(take: Take): Promise<TakeAnswer>;
}

/**
 * Who asked how often: one object for each limited party, with its window of the last 60 seconds. The window is
 * stored, since objects are evicted after some idle seconds. Once a party has been quiet for a whole window its
 * alarm empties the storage, so that nothing is kept of who came once.
 */
export class RateLimiter extends IttyDurable implements RateLimiterFace {
  /** Stored: oldest first. */
  log: Hit[] = [];
  /** Stored: when the alarm rings; null when none is set. */
  sweepAt: number | null = null;
  /** A private field is not stored. */
  #changed = false;

  async take(take: Take): Promise<TakeAnswer> {
    const { log, answer } = slide(this.log, take);
    this.#changed = log.at(-1) !== this.log.at(-1);
    this.log = log;
    if (this.#changed && this.sweepAt === null) {
      this.sweepAt = take.now + WINDOW_MS;
      await this.setAlarm(this.sweepAt);
    }
    return answer;
  }

  /** A refusal and a retry change nothing, and write nothing. */
  override async persist(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    await super.persist();
  }

  /** Tidies up by the system's clock: what decides anything is the time that callers pass. */
  async alarm(): Promise<void> {
    await this.loadFromStorage();
    this.log = inWindow(this.log, Date.now());
    const newest = this.log.at(-1);
    if (!newest) {
      this.sweepAt = null;
      await this.destroy();
      return;
    }
    this.sweepAt = newest.at + WINDOW_MS;
    await this.setAlarm(this.sweepAt);
    this.#changed = true;
    await this.persist();
  }
}
