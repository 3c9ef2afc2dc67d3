import type { Context } from "../platform/context.ts";
import { REFUSE_WHILE_RESTORING, refuseRestored } from "../platform/restoring.ts";
import { prepare, type Sql } from "../platform/sql.ts";
import { addTasks, appendEvents, type NewEvent, type NewTask } from "./append.ts";
import { wakeUp } from "./wake-up.ts";

/** Names a statement of a commit: its result is read by this. */
export interface Handle<Row = unknown> {
  readonly index: number;
  /** Never set: it carries the type of the rows. */
  readonly row?: Row;
}

/**
 * The stamp rule as an object: one batch, which is one transaction and one round trip, for a write that may lose a race.
 * `win` inserts or updates the rows that are contended for, where every condition still holds, and stamps them with this
 * commit's own `stamp`. All else is joined on that stamp, so what was not won writes nothing. What is read back at the end
 * says who won: never guess it from an error.
 *
 * Statements run in the order in which they are added. A commit is sent once: sent again, it would find its own stamp and
 * take another's outcome for its own. One commit may carry any number of orders, each won or lost by itself.
 */
export class Commit {
  /** A ulid that is used for nothing else: the rows that this commit wins carry it. */
  readonly stamp: string;
  readonly #context: Context;
  readonly #statements: Sql[] = [];
  readonly #tasks: NewTask[] = [];

  /**
   * @param fence `refuse`: the commit fails, with nothing written, while a backup is being restored, and also if a restore
   * has begun since the context read its generation. `while_restoring`: only the first, for one that reads nothing before.
   * `none`: its own statements look after that.
   */
  constructor(context: Context, fence: "refuse" | "while_restoring" | "none" = "refuse") {
    this.#context = context;
    this.stamp = context.ids.next();
    if (fence === "none") return;
    if (fence === "while_restoring") {
      this.#add(REFUSE_WHILE_RESTORING);
      return;
    }
    this.#add(refuseRestored(context));
  }

  /** Wins rows: an insert that yields, or an update from a known version. It must write `stamp` into them. */
  win<Row>(statement: Sql<Row>): Handle<Row> {
    return this.#add(statement);
  }

  /** Writes what comes with a win. Each statement must be joined on the stamp. */
  write(...statements: (Sql | undefined)[]): void {
    for (const statement of statements) if (statement) this.#add(statement);
  }

  /** Appends events to the log. @param when SQL about the event, `row.value`: that its object was won */
  events(events: NewEvent[], when: Sql): void {
    if (events.length > 0) this.#add(appendEvents(events, when));
  }

  /** Adds tasks. @param when SQL about the task, `row.value`: that its object was won */
  owe(tasks: NewTask[], when: Sql): Handle | null {
    if (tasks.length === 0) return null;
    this.#tasks.push(...tasks);
    return this.#add(addTasks(tasks, when));
  }

  /** Reads what stands after the writes before it. */
  read<Row>(statement: Sql<Row>): Handle<Row> {
    return this.#add(statement);
  }

  /**
   * Sends the batch. Throws where D1 fails: then nobody knows whether it was written, and the caller must read what is
   * there.
   */
  async send(): Promise<Committed> {
    const { DB } = this.#context.env;
    return new Committed(await DB.batch(this.#statements.map((statement) => prepare(DB, statement))));
  }

  /** Sends wake-ups for the tasks that it added, after the answer. @param won whether it won the task's object */
  wakeUp(won: (task: NewTask) => boolean): void {
    const tasks = this.#tasks.filter(won);
    if (tasks.length > 0) this.#context.defer(wakeUp(this.#context, tasks));
  }

  #add<Row>(statement: Sql<Row>): Handle<Row> {
    return { index: this.#statements.push(statement) - 1 };
  }
}

/** The results of a commit, by the handles of its statements. */
export class Committed {
  readonly #results: D1Result[];

  constructor(results: D1Result[]) {
    this.#results = results;
  }

  rows<Row>(handle: Handle<Row>): Row[] {
    return (this.#results[handle.index]?.results ?? []) as Row[];
  }

  first<Row>(handle: Handle<Row>): Row | null {
    return this.rows(handle)[0] ?? null;
  }

  /** Rows that a statement wrote, and that triggers wrote for it: who must know which rows were won returns them. */
  changes(handle: Handle): number {
    return this.#results[handle.index]?.meta.changes ?? 0;
  }
}
