import { DurableObject } from "cloudflare:workers";
import { makeCalls } from "./floor-calls.ts";
import type { Bindings } from "./plan.ts";

/** As at the order desk of ours: src/orders/desk/desk.ts and group.ts. */
const GROUPS_UNDER_WAY = 2;
const MAX_GROUP = 32;

interface Waiting {
  turn: number;
  done: () => void;
  failed: (reason: unknown) => void;
}

/** Gathers the requests of the moment, and makes the calls of each group as one. */
export class FloorDesk extends DurableObject<Bindings> {
  readonly #waiting: Waiting[] = [];
  #underWay = 0;

  place(turn: number): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ turn, done, failed });
      this.#next();
    });
  }

  #next(): void {
    while (this.#underWay < GROUPS_UNDER_WAY && this.#waiting.length > 0) {
      this.#underWay++;
      const group = this.#waiting.splice(0, MAX_GROUP);
      void this.#placeGroup(group).then(() => {
        this.#underWay--;
        this.#next();
      });
    }
  }

  async #placeGroup(group: Waiting[]): Promise<void> {
    try {
      await makeCalls(
        this.env,
        group.map(({ turn }) => turn),
      );
      for (const { done } of group) done();
    } catch (error) {
      for (const { failed } of group) failed(error);
    }
  }
}
