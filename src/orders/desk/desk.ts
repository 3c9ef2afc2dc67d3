import { describeError, type Log } from "../../platform/log.ts";
import { withTimeout } from "../../platform/timeout.ts";
import type { Draft } from "../place/draft.ts";
import type { Outcomes, PlaceOutcome } from "../place/outcome.ts";
import { type Sized, takeGroup } from "./group.ts";

/** While one group is being recorded, the next one reserves. */
const GROUPS_UNDER_WAY = 2;
/** Drafts that wait, beyond which the next is sent away: some half a second of work. */
export const MAX_WAITING = 200;
/** A group that hangs for so long no longer keeps others waiting. What becomes of it is as safe as ever. */
const GROUP_PATIENCE_MS = 5_000;

/** A draft that was handed in, and whether its buyer's rate limit lets it through. */
export interface Handed extends Sized {
  admitted: boolean;
}

/** Places a group, noting each outcome as soon as it is known; calls `freed` when only drafts that wait for others are left. */
export type PlaceGroup = (group: Handed[], outcomes: Outcomes, freed: () => void) => Promise<unknown>;

interface Waiting extends Handed {
  decide: (outcome: PlaceOutcome) => void;
  giveUp: (reason: Error) => void;
}

/**
 * Gathers the orders of the moment, so that one batch records many. It stores nothing, and is the authority on nothing: D1
 * has the fates and Stock the holds, so if it dies, whoever handed in a draft goes on alone. No timer runs, and in a quiet
 * shop nothing waits: a draft is placed at once unless two groups are under way already.
 */
export class Desk {
  readonly #place: PlaceGroup;
  readonly #log: Log;
  readonly #waiting: Waiting[] = [];
  #underWay = 0;

  constructor(place: PlaceGroup, log: Log) {
    this.#place = place;
    this.#log = log;
  }

  /** Rejects when nothing is known of the draft. */
  hand(handed: Handed): Promise<PlaceOutcome | { kind: "crowded" }> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.resolve({ kind: "crowded" });
    return new Promise((decide, giveUp) => {
      this.#waiting.push({ ...handed, decide, giveUp });
      this.#placeNext();
    });
  }

  #placeNext(): void {
    while (this.#underWay < GROUPS_UNDER_WAY && this.#waiting.length > 0) {
      this.#underWay++;
      void this.#placeGroup(takeGroup(this.#waiting)).then(() => {
        this.#underWay--;
        this.#placeNext();
      });
    }
  }

  /** Resolves when the next group may begin. Never rejects. */
  async #placeGroup(group: Waiting[]): Promise<void> {
    const outcomes = new Decisions(group);
    const { promise: freed, resolve: free } = Promise.withResolvers<void>();
    const placed = this.#place(group, outcomes, free).then(
      () => outcomes.giveUp(new Error("the desk came to no outcome")),
      (error) => {
        this.#log.error("a group of orders could not be placed", { error: describeError(error) });
        outcomes.giveUp(error instanceof Error ? error : new Error(String(error)));
      },
    );
    try {
      await withTimeout(Promise.race([freed, placed]), GROUP_PATIENCE_MS);
    } catch (error) {
      this.#log.error("a group of orders hangs", { drafts: group.length, error: describeError(error) });
    }
  }
}

/** Tells each draft's outcome as soon as it is known. */
class Decisions implements Outcomes {
  readonly #open: Map<Draft, Waiting>;
  readonly #decided = new Map<Draft, PlaceOutcome>();

  constructor(group: Waiting[]) {
    this.#open = new Map(group.map((waiting) => [waiting.draft, waiting]));
  }

  get(draft: Draft): PlaceOutcome | undefined {
    return this.#decided.get(draft);
  }

  set(draft: Draft, outcome: PlaceOutcome): void {
    this.#decided.set(draft, outcome);
    this.#open.get(draft)?.decide(outcome);
    this.#open.delete(draft);
  }

  /** For those without an outcome. */
  giveUp(reason: Error): void {
    for (const { giveUp } of this.#open.values()) giveUp(reason);
    this.#open.clear();
  }
}
