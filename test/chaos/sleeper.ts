import { Boundary } from "./boundary.ts";

interface Nap {
  left: number;
  met: () => void;
  /** Resolves when the worker has come to this call. */
  asleep: Promise<void>;
  wake: () => void;
  woken: Promise<void>;
}

/** A worker that stalls before calls that are named by label, each until it is woken there. */
export class Sleepers extends Boundary {
  readonly #naps = new Map<string, Nap>();

  /** @param plan which call of each label it stalls at, from 1 */
  constructor(plan: Record<string, number>) {
    super();
    for (const [label, left] of Object.entries(plan)) {
      const met = Promise.withResolvers<void>();
      const woken = Promise.withResolvers<void>();
      this.#naps.set(label, {
        ...{ left, met: met.resolve, asleep: met.promise },
        ...{ wake: woken.resolve, woken: woken.promise },
      });
    }
  }

  at(label: string): Pick<Nap, "asleep" | "wake"> {
    const nap = this.#naps.get(label);
    if (!nap) throw new Error(`it does not sleep at ${label}`);
    return nap;
  }

  override async cross<T>(label: string, call: () => Promise<T>): Promise<T> {
    const nap = this.#naps.get(label);
    if (nap && --nap.left === 0) {
      nap.met();
      await nap.woken;
    }
    return super.cross(label, call);
  }
}

/** Stalls the nth call of one label until it is woken. */
export class Sleeper extends Sleepers {
  readonly #label: string;

  constructor(label: string, nth = 1) {
    super({ [label]: nth });
    this.#label = label;
  }

  get asleep(): Promise<void> {
    return this.at(this.#label).asleep;
  }

  override wake(): void {
    this.at(this.#label).wake();
  }
}
