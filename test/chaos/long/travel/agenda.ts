import { testClock } from "../../../support/clock.ts";

export type Act = () => Promise<unknown> | undefined;

/** What is still to happen, and when, by the test's clock. */
export class Agenda {
  #entries: { at: number; act: Act }[] = [];

  add(at: number, act: Act): void {
    this.#entries.push({ at, act });
  }

  /** @param delay milliseconds from now */
  in(delay: number, act: Act): void {
    this.add(testClock.now() + delay, act);
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /**
   * Moves the clock to what comes next, and takes it with all that comes within `rush` milliseconds of it: these
   * happen at once.
   */
  next(rush: number): Act[] {
    const first = Math.min(...this.#entries.map(({ at }) => at));
    testClock.advance(Math.max(0, first - testClock.now()));
    const until = testClock.now() + rush;
    const due = this.#entries.filter(({ at }) => at <= until);
    this.#entries = this.#entries.filter(({ at }) => at > until);
    return due.sort((one, other) => one.at - other.at).map(({ act }) => act);
  }
}
