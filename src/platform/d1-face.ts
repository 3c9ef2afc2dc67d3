/** Statements that go before and after those of a call, in its batch. */
export interface Added {
  before: D1PreparedStatement[];
  after: D1PreparedStatement[];
}

/** What is added to calls of D1. */
export interface Addition {
  /**
   * What to add to a call of these queries; null: nothing. Until it awaits it runs before any other call is made.
   * @param how `rows`: the answer is wanted as lists, in which two columns of one name are two
   */
  add(queries: string[], how: "batch" | "rows"): Promise<Added | null>;
  /** A call with what was added has been answered, or has failed. */
  passed?(): void;
  failed?(): Promise<void>;
}

/** D1 with something added to calls. To whoever calls it looks as it is. */
export function addTo(db: D1Database, addition: Addition): D1Database {
  const known = new WeakMap<object, { statement: D1PreparedStatement; query: string }>();

  const together = async (
    { before, after }: Added,
    statements: D1PreparedStatement[],
  ): Promise<D1Result[]> => {
    let results: D1Result[];
    try {
      results = await db.batch([...before, ...statements, ...after]);
    } catch (error) {
      await addition.failed?.();
      throw error;
    }
    addition.passed?.();
    return results.slice(before.length, before.length + statements.length);
  };

  const face = (statement: D1PreparedStatement, query: string): D1PreparedStatement => {
    /** The result with what was added; null: nothing was. */
    const added = async (how: "batch" | "rows"): Promise<D1Result | null> => {
      const adding = await addition.add([query], how);
      return adding === null ? null : ((await together(adding, [statement]))[0] ?? null);
    };
    const shown = {
      bind: (...values: unknown[]) => face(statement.bind(...values), query),
      all: async () => (await added("batch")) ?? statement.all(),
      run: async () => (await added("batch")) ?? statement.run(),
      first: async (column?: string) => {
        const result = await added("batch");
        if (result === null) return column === undefined ? statement.first() : statement.first(column);
        const row = (result.results[0] ?? null) as Record<string, unknown> | null;
        return column === undefined ? row : (row?.[column] ?? null);
      },
      raw: async (options?: { columnNames: true }) => {
        const result = await added("rows");
        if (result !== null) return result.results.map((row) => Object.values(row as object));
        return options ? statement.raw(options) : statement.raw();
      },
    } as D1PreparedStatement;
    known.set(shown, { statement, query });
    return shown;
  };

  return {
    prepare: (query: string) => face(db.prepare(query), query),
    batch: async (shown: D1PreparedStatement[]) => {
      const given = shown.map((one) => known.get(one) ?? { statement: one, query: "" });
      const statements = given.map(({ statement }) => statement);
      const adding = await addition.add(
        given.map(({ query }) => query),
        "batch",
      );
      return adding === null ? db.batch(statements) : together(adding, statements);
    },
  } as D1Database;
}
