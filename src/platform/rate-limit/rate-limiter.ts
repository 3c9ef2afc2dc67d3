import { createDurable } from "itty-durable";
import {
  known,
  NO_TRIES,
  remembered,
  rememberedUntil,
  type Tried,
  type Tries,
  type Try,
  type TryAnswer,
  takenBack,
  tryOnce,
  wasRight,
} from "./tries.ts";
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
  tryOnce(made: Try): Promise<TryAnswer>;
  /** Says of a try that it was right. */
  wasRight(tried: Tried): Promise<void>;
  takeBack(tried: Tried): Promise<void>;
  /** Says of who made no try that they are known. */
  know(tried: Tried): Promise<void>;
  /** The owner was told of the wrong tries that began then. */
  told(of: number): Promise<void>;
}

/**
 * One object for each limited party, with its requests of the last window, or the tries at a secret of one account or
 * address. They are stored, because objects are evicted after some idle seconds. An alarm empties the storage once nothing
 * of it counts any more.
 */
export class RateLimiter extends IttyDurable implements RateLimiterApi {
  /** Stored; the oldest first. */
  log: Hit[] = [];
  /** Stored; how long this party's window is. */
  windowMs = WINDOW_MS;
  /** Stored; of an object that counts tries. */
  tries: Tries = NO_TRIES;
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

  async tryOnce(made: Try): Promise<TryAnswer> {
    const { tries, answer } = tryOnce(this.tries, made);
    if (answer.kind === "go_on") await this.#keepTries(tries);
    return answer;
  }

  async wasRight(tried: Tried): Promise<void> {
    await this.#keepTries(wasRight(this.tries, tried));
  }

  async takeBack(tried: Tried): Promise<void> {
    await this.#keepTries(takenBack(this.tries, tried));
  }

  async know(tried: Tried): Promise<void> {
    await this.#keepTries(known(this.tries, tried));
  }

  async told(of: number): Promise<void> {
    await this.#keepTries({ ...this.tries, toldOf: of });
  }

  async #keepTries(tries: Tries): Promise<void> {
    this.tries = tries;
    this.#changed = true;
    const until = rememberedUntil(tries);
    if (until === null || this.sweepAt !== null) return;
    this.sweepAt = until;
    await this.setAlarm(until);
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
    this.tries = remembered(this.tries, Date.now());
    const newest = this.log.at(-1);
    const until = newest ? newest.at + this.windowMs : rememberedUntil(this.tries);
    if (until === null) {
      this.sweepAt = null;
      await this.destroy();
      return;
    }
    this.sweepAt = until;
    await this.setAlarm(this.sweepAt);
    this.#changed = true;
    await this.persist();
  }
}
