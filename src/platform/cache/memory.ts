import { LRUCache } from "lru-cache";

/** An isolate has 128 MB for everything. */
const ANSWERS_LIMIT = 16 * 1_048_576;
const ADDRESSES_LIMIT = 1_048_576;
/** What an entry takes besides its key and its value; bytes, roughly. */
const OVERHEAD = 200;

/**
 * What was used last stays; what is heaviest on memory is bounded by its sum.
 * @param limit of all weights together, keys included; bytes
 */
export const keptUpTo = <V extends NonNullable<unknown>>(limit: number, sizeOf: (value: V) => number) =>
  new LRUCache<string, V>({
    maxSize: limit,
    sizeCalculation: (value, key) => sizeOf(value) + 2 * key.length + OVERHEAD,
  });

/** An answer as it is sent again and again: plain data, since what belongs to one request must not reach another. */
export interface Answer {
  /** JSON. */
  readonly body: Uint8Array;
  readonly etag: string;
  /** Milliseconds since the epoch from when it may not be repeated; null while its generation stands. */
  readonly until: number | null;
  /** As a guest is sent them. */
  readonly headers: Headers;
  /** What it is called in KV until it is there; null once it is, or where it is not to be. */
  unshared: string | null;
}

const HEADERS_SIZE = 2_000;

/** What it takes of an isolate's memory; bytes, roughly. */
const sizeOf = ({ body }: Answer): number => body.byteLength + HEADERS_SIZE;

/** What the public answers are made from, as this isolate last saw it. */
interface Generation {
  value: string;
  /** When D1 was asked for it, before it answered; milliseconds since the epoch. */
  readAt: number;
}

/**
 * What an isolate remembers between requests: nothing that anyone could miss. Answers are named by the generation that
 * they were made under, and so are never wrong, only forgotten.
 */
export class Memory {
  /** By generation and key. */
  readonly answers = keptUpTo(ANSWERS_LIMIT, sizeOf);
  /** Which key a path and query came down to: the same again need not be read again. */
  readonly addresses = keptUpTo(ADDRESSES_LIMIT, (key: string) => 2 * key.length);
  /** What is being made just now, by name. */
  readonly flights = new Map<string, Promise<unknown>>();
  #generation: Generation | null = null;
  /** Whose answers these are, also while it is not known whether it still stands. */
  #ofAnswers: string | null = null;
  #turn = 0;

  get generation(): Generation | null {
    return this.#generation;
  }

  /** Changes when the generation was forgotten: what was asked before that tells nothing of what is now. */
  get turn(): number {
    return this.#turn;
  }

  /** @param turn as it was when D1 was asked */
  learnGeneration(generation: Generation, turn: number): void {
    if (turn !== this.#turn) return;
    // Nobody asks for the answers of another generation again.
    if (generation.value !== this.#ofAnswers) this.answers.clear();
    this.#ofAnswers = generation.value;
    this.#generation = generation;
  }

  /** After a write of this isolate's: the next answer asks D1. */
  forgetGeneration(): void {
    this.#generation = null;
    this.#turn += 1;
  }

  /** As a new isolate. */
  clear(): void {
    this.forgetGeneration();
    this.answers.clear();
    this.addresses.clear();
    this.flights.clear();
  }
}
