/** What was used last stays; what is heaviest on memory is bounded by its sum. */
export class Lru<V> {
  readonly #kept = new Map<string, { value: V; weight: number }>();
  readonly #limit: number;
  #weight = 0;

  /** @param limit of all weights together, keys included */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): V | undefined {
    const found = this.#kept.get(key);
    if (!found) return undefined;
    // A Map keeps the order of insertion: the least recently used comes first.
    this.#kept.delete(key);
    this.#kept.set(key, found);
    return found.value;
  }

  /** @param size of the value; bytes */
  set(key: string, value: V, size: number): void {
    this.delete(key);
    const weight = size + 2 * key.length + OVERHEAD;
    if (weight > this.#limit) return;
    this.#kept.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#limit) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#weight -= this.#kept.get(key)?.weight ?? 0;
    this.#kept.delete(key);
  }

  clear(): void {
    this.#kept.clear();
    this.#weight = 0;
  }

  get weight(): number {
    return this.#weight;
  }
}

/** What an entry takes besides its key and its value; bytes, roughly. */
const OVERHEAD = 200;
