/**
 * How SQL is written here: as a tagged template. A value in it binds itself, and another piece of SQL nests, so no
 * parameter has a number and a condition can be put into any statement. drizzle's own `sql`, with columns named by their
 * table, was measured first: it costs an order's batch a seventh of the order's CPU (docs/DESIGN.md); this costs nothing
 * that can be measured. drizzle keeps the tables, the migrations and the types of rows.
 */

/** What a parameter may hold. */
export type Value = string | number | null;

/** A piece of SQL with its values. `Row` is what a statement's rows look like: the writer's word, which nothing checks. */
export class Sql<Row = unknown> {
  /** For the type alone: without it a piece of one row's type would pass for another's. */
  declare readonly row: Row;
  readonly #strings: readonly string[];
  readonly #parts: readonly (Value | Sql)[];

  constructor(strings: readonly string[], parts: readonly (Value | Sql)[]) {
    this.#strings = strings;
    this.#parts = parts;
  }

  /**
   * The text with its parameters numbered, and their values. Equal strings share a parameter: a list of half a megabyte
   * that stands twice in a statement travels once.
   */
  compile(): { text: string; values: Value[] } {
    const values: Value[] = [];
    const text = this.#write(values, new Map());
    return { text, values };
  }

  #write(values: Value[], numbers: Map<string, number>): string {
    let text = this.#strings[0] ?? "";
    for (const [index, part] of this.#parts.entries()) {
      text += part instanceof Sql ? part.#write(values, numbers) : `?${bind(part, values, numbers)}`;
      text += this.#strings[index + 1] ?? "";
    }
    return text;
  }
}

/** The number of a value's parameter. */
function bind(value: Value, values: Value[], numbers: Map<string, number>): number {
  const known = typeof value === "string" ? numbers.get(value) : undefined;
  if (known !== undefined) return known;
  const number = values.push(value);
  if (typeof value === "string") numbers.set(value, number);
  return number;
}

/** A piece of SQL: `sql<Row>\`SELECT … WHERE id = ${id} AND ${condition}\``. */
export const sql = <Row = unknown>(strings: TemplateStringsArray, ...parts: (Value | Sql)[]): Sql<Row> =>
  new Sql<Row>(strings, parts);

/** Text of the program's own, such as a column's name. Never what came from outside. */
export const trusted = (text: string): Sql => new Sql([text], []);

/** A number of the program's own, in the text itself: SQLite plans by a limit that it can read there. */
export const constant = (number: number): Sql => trusted(`${number}`);

/** The empty piece. */
export const nothing: Sql = trusted("");

/** Pieces one after the other; `between` stands between them, `, ` unless told otherwise. */
export const joined = (pieces: readonly Sql[], between = ", "): Sql =>
  pieces.length === 0
    ? nothing
    : new Sql(["", ...Array.from({ length: pieces.length - 1 }, () => between), ""], pieces);

/** Conditions that must all hold; none always does. */
export const allOf = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? trusted("true") : joined(conditions, " AND ");

/**
 * A list as a table: `FROM ${each(ids)} AS row`, whose rows are read as `row.value`, or `row.value ->> 'field'`. It is one
 * parameter, however long: D1 allows 100 of them a statement, and 2 MB in one.
 */
export const each = (list: readonly unknown[]): Sql => sql`json_each(${JSON.stringify(list)})`;

/** Far below D1's 2 MB for one parameter, whatever the characters: each may be three bytes. */
const CHUNK_CHARACTERS = 500_000;

/**
 * A list that may be too long for one parameter, cut into as many as it needs; no elements, no part. Each part is used as
 * what `each` gives.
 */
export function eachPart(list: readonly unknown[]): Sql[] {
  const parts: Sql[] = [];
  let elements: string[] = [];
  let characters = 0;
  const cut = () => {
    parts.push(sql`json_each(${`[${elements.join()}]`})`);
    elements = [];
    characters = 0;
  };
  for (const element of list) {
    const text = JSON.stringify(element);
    if (elements.length > 0 && characters + text.length > CHUNK_CHARACTERS) cut();
    elements.push(text);
    characters += text.length;
  }
  if (elements.length > 0) cut();
  return parts;
}

/** A statement as D1 takes it: the one place where one is prepared. */
export function prepare(db: D1Database, statement: Sql): D1PreparedStatement {
  const { text, values } = statement.compile();
  const prepared = db.prepare(text);
  return values.length === 0 ? prepared : prepared.bind(...values);
}

/** A statement's rows. */
export const all = async <Row>(db: D1Database, statement: Sql<Row>): Promise<Row[]> =>
  (await prepare(db, statement).all<Row>()).results;

/** A statement's first row; null when there is none. */
export const first = <Row>(db: D1Database, statement: Sql<Row>): Promise<Row | null> =>
  prepare(db, statement).first<Row>();

/** Runs one statement that writes. Returns how many rows it changed, those that triggers changed for it among them. */
export const run = async (db: D1Database, statement: Sql): Promise<number> =>
  (await prepare(db, statement).run()).meta.changes;

/** The rows of a statement in a batch, under the statement's name. */
export type RowsOf<Statements> = {
  [Name in keyof Statements]: Statements[Name] extends Sql<infer Row> | undefined ? Row[] : never;
};

/**
 * Runs statements as one transaction, in the order in which they are named, and gives back the rows of each by its name.
 * One that is undefined is left out and has no rows.
 */
export async function batch<Statements extends Record<string, Sql | undefined>>(
  db: D1Database,
  statements: Statements,
): Promise<RowsOf<Statements>> {
  const rows: Record<string, unknown[]> = {};
  const named: [name: string, statement: D1PreparedStatement][] = [];
  for (const [name, statement] of Object.entries(statements)) {
    rows[name] = [];
    if (statement !== undefined) named.push([name, prepare(db, statement)]);
  }
  const results = await db.batch(named.map(([, prepared]) => prepared));
  for (const [index, [name]] of named.entries()) rows[name] = results[index]?.results ?? [];
  return rows as RowsOf<Statements>;
}

/** Runs statements that write as one transaction. Returns how many rows each changed. */
export async function runBatch(db: D1Database, statements: readonly Sql[]): Promise<number[]> {
  const results = await db.batch(statements.map((statement) => prepare(db, statement)));
  return results.map(({ meta }) => meta.changes);
}

/** What the database takes up, bytes. D1 says it with each answer. */
export const databaseBytes = async (db: D1Database): Promise<number> =>
  (await prepare(db, sql`SELECT 1`).run()).meta.size_after;
