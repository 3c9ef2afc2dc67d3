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

  /** A step of so many things: it says how many are done, and how long the rest will take at this rate. */
  step(total: number, what: string): { more(count: number): void } {
    const began = Date.now();
    let done = 0;
    return {
      more: (count) => {
        done += count;
        this.at(() => `${done} of ${total} ${what}${left(Date.now() - began, done, total)}`);
      },
    };
  }
}

function left(tookMs: number, done: number, total: number): string {
  if (done >= total) return "";
  const seconds = Math.ceil(((tookMs / done) * (total - done)) / 1_000);
  return seconds < 100 ? `, about ${seconds} s left` : `, about ${Math.ceil(seconds / 60)} minutes left`;
}
