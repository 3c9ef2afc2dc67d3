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
    const originals = new WeakMap<object, D1PreparedStatement>();
    const together = async (statements: D1PreparedStatement[]): Promise<D1Result[]> => {
      this.#state = "sent";
      let results: D1Result[];
      try {
        results = await db.batch([prepare(db, this.#must), ...statements]);
      } catch (error) {
        await this.#decide();
        throw error;
      }
      this.#state = "passed";
      return results.slice(1);
    };
    const one = async (statement: D1PreparedStatement) => {
      const [result] = await together([statement]);
      if (!result) throw new Error("D1 answered a batch without its last statement");
      return result;
    };
    const face = (statement: D1PreparedStatement): D1PreparedStatement => {
      const isFirst = () => this.#state === "open";
      const shown = {
        bind: (...values: unknown[]) => face(statement.bind(...values)),
        all: () => (isFirst() ? one(statement) : statement.all()),
        run: () => (isFirst() ? one(statement) : statement.run()),
        first: async (column?: string) => {
          if (!isFirst()) return column === undefined ? statement.first() : statement.first(column);
          const row = ((await one(statement)).results[0] ?? null) as Record<string, unknown> | null;
          return column === undefined ? row : (row?.[column] ?? null);
        },
        // Rows as lists are not to be had of a batch: two columns of one name would be one.
        raw: async (options?: { columnNames: true }) => {
          await this.settle();
          return options ? statement.raw(options) : statement.raw();
        },
      } as D1PreparedStatement;
      originals.set(shown, statement);
      return shown;
    };
    const original = (shown: D1PreparedStatement) => originals.get(shown) ?? shown;
    return {
      prepare: (query: string) => face(db.prepare(query)),
      batch: (statements: D1PreparedStatement[]) => {
        const given = statements.map(original);
        return this.#state === "open" ? together(given) : db.batch(given);
      },
    } as D1Database;
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
