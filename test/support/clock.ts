import type { Clock } from "../../src/platform/clock.ts";

/** Time as a test tells it. Sleeping takes no time: it moves the hands. */
class TestClock implements Clock {
  #now = 0;

  constructor() {
    this.reset();
  }

  /** Real time, so that alarms set for later do not fire by themselves during a test. */
  reset(): void {
    this.#now = Date.now();
  }

  now(): number {
    return this.#now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.#now += milliseconds;
    // Lets what runs beside us go on, as a real pause would.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export const testClock = new TestClock();
