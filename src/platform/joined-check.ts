import { addTo } from "./d1-face.ts";
import { prepare, type Sql } from "./sql.ts";

/** Who calls may not, by what D1 says now. The guard of the route answers it. */
export class CheckFailed extends Error {}

/**
 * A question that must be answered well before anything that a request read is told, and that goes along with its first call
 * to D1, so that it costs no call of its own. Its statement fails where the answer is no, and with it its whole batch, so
 * nothing is written then.
 */
export class JoinedCheck {
  readonly #must: Sql;
  readonly #ask: () => Promise<boolean>;
  #state: "open" | "sent" | "passed" | "failed" = "open";

  /**
   * @param must a statement that fails where the answer is no
   * @param ask the same question by itself
   */
  constructor(must: Sql, ask: () => Promise<boolean>) {
    this.#must = must;
    this.#ask = ask;
  }

  /** Whether nothing was asked yet. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  get failed(): boolean {
    return this.#state === "failed";
  }

  /** Asks by itself, unless the question went along already. */
  async settle(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "sent";
    await this.#decide();
  }

  async #decide(): Promise<void> {
    this.#state = (await this.#ask()) ? "passed" : "failed";
    if (this.failed) throw new CheckFailed();
  }

  /** D1 whose first call takes the question along. Calls that are made at the same time do not wait for it. */
  joinedTo(db: D1Database): D1Database {
    return addTo(db, {
      add: async (_, how) => {
        if (this.#state !== "open") return null;
        if (how === "rows") {
          // Of several tables, a batch would answer two columns of one name as one.
          await this.settle();
          return null;
        }
        this.#state = "sent";
        return { before: [prepare(db, this.#must)], after: [] };
      },
      passed: () => {
        this.#state = "passed";
      },
      failed: () => this.#decide(),
    });
  }
}

const isolates = new WeakMap<object, object>();

/** The environment with another D1 in it. */
export function withDb<Env extends { DB: D1Database }>(env: Env, db: D1Database): Env {
  const other = { ...env, DB: db };
  isolates.set(other, isolateOf(env));
  return other;
}

/** By what an isolate keeps what lives as long as it does: its environment, whichever D1 a request sees in it. */
export const isolateOf = (env: object): object => isolates.get(env) ?? env;
