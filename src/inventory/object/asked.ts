/**
 * The claims that were asked about and have no answer yet, each with when it may be asked about again. It is in memory
 * alone, since a row would be written for each question and once more for its answer. An object that dies forgets it, and
 * asks again at once: its alarm rings again, because it was still awaiting the answer.
 */
export class Asked {
  readonly #until = new Map<string, number>();

  /** @param until milliseconds */
  note(claims: string[], until: number): void {
    for (const claim of claims) this.#until.set(claim, until);
  }

  answered(claim: string): void {
    this.#until.delete(claim);
  }

  forget(): void {
    this.#until.clear();
  }

  /** Those that are not asked about now, since an answer may yet come. */
  waiting(now: number): string[] {
    for (const [claim, until] of this.#until) if (until <= now) this.#until.delete(claim);
    return [...this.#until.keys()];
  }

  /** When the first of them may be asked about again; infinite without any. */
  get soonest(): number {
    return Math.min(...this.#until.values());
  }
}
