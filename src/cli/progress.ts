const EVERY_MS = 5_000;

/** Says how far a long command is, as often as somebody who waits wants to know, however often it is told. */
export class Progress {
  readonly #print: (line: string) => void;
  #printedAt = Date.now();

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** A step has ended: it is always printed. */
  done(line: string): void {
    this.#printedAt = Date.now();
    this.#print(line);
  }

  /** Where a step is. Most of these lines are never made. */
  at(line: () => string): void {
    const now = Date.now();
    if (now - this.#printedAt < EVERY_MS) return;
    this.#printedAt = now;
    this.#print(`  ${line()}`);
  }
}
