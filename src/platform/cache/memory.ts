import { LRUCache } from "lru-cache";

/** An isolate has 128 MB for everything. */
const ANSWERS_LIMIT_BYTES = 16 * 1_048_576;
const ADDRESSES_LIMIT_BYTES = 1_048_576;
const RECENT_LIMIT_BYTES = 4 * 1_048_576;
/** About what an entry takes besides its key and its value. */
const ENTRY_OVERHEAD_BYTES = 200;

/** A cache that drops the least recently used entries once all of them, keys included, are larger than the limit. */
export const lruCache = <V extends NonNullable<unknown>>(limitBytes: number, bytesOf: (value: V) => number) =>
  new LRUCache<string, V>({
    maxSize: limitBytes,
    sizeCalculation: (value, key) => bytesOf(value) + 2 * key.length + ENTRY_OVERHEAD_BYTES,
  });

/** A cached answer. It is plain data, because nothing that belongs to one request may reach another. */
export interface Answer {
  /** JSON. */
  readonly body: Uint8Array;
  readonly etag: string;
  /** From when it may not be sent again, in milliseconds since the epoch; null: as long as its generation is current. */
  readonly until: number | null;
  /** The headers for a guest. */
  readonly headers: Headers;
  /** The key under which it is still to be written to KV; null once it is, or if it does not go there. */
  pendingKvKey: string | null;
}

/** About what the headers of an answer take. */
const HEADERS_BYTES = 2_000;

const bytesOf = ({ body }: Answer): number => body.byteLength + HEADERS_BYTES;

interface Recent {
  /** When the question was sent, in milliseconds since the epoch. */
  at: number;
  value: unknown;
  bytes: number;
}

/** The version of the public data, as this isolate last read it. */
interface Generation {
  value: string;
  /** When the question was sent to D1, in milliseconds since the epoch. */
  readAt: number;
}

/**
 * What an isolate remembers between requests. Losing it costs time only. An answer is stored under the generation that it
 * was made in, so it can be outdated by nothing but its generation.
 */
export class Memory {
  /** By generation and key. */
  readonly answers = lruCache(ANSWERS_LIMIT_BYTES, bytesOf);
  /** From path and query, as they came, to the key of their answer: so a repeated query is not parsed again. */
  readonly addresses = lruCache(ADDRESSES_LIMIT_BYTES, (key: string) => 2 * key.length);
  /** What changes without a generation, by name, each as it was at that time: see `shared`. */
  readonly recent = lruCache(RECENT_LIMIT_BYTES, ({ bytes }: Recent) => bytes);
  /** The work that runs just now, by name: see `singleFlight`. */
  readonly inFlight = new Map<string, Promise<unknown>>();
  #generation: Generation | null = null;
  /** The generation of the answers that are kept, also while it is not known whether it is still current. */
  #answersGeneration: string | null = null;
  #invalidations = 0;

  get generation(): Generation | null {
    return this.#generation;
  }

  /** How often the generation was invalidated: what D1 was asked before the last time may be outdated. */
  get invalidations(): number {
    return this.#invalidations;
  }

  /** @param invalidations as they were when D1 was asked */
  learnGeneration(generation: Generation, invalidations: number): void {
    if (invalidations !== this.#invalidations) return;
    // Answers of another generation will never be asked for again.
    if (generation.value !== this.#answersGeneration) this.answers.clear();
    this.#answersGeneration = generation.value;
    this.#generation = generation;
  }

  /** After a write by this isolate: its next answer asks D1 for the generation. */
  invalidateGeneration(): void {
    this.#generation = null;
    this.#invalidations += 1;
  }

  /** Back to the state of a new isolate. */
  clear(): void {
    this.invalidateGeneration();
    this.answers.clear();
    this.addresses.clear();
    this.inFlight.clear();
  }
}
