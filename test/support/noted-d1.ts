/** One statement as D1 was sent it, with what it cost by D1's own count. */
export interface Sent {
  sql: string;
  values: unknown[];
  read: number;
  written: number;
}

/** D1, with each round trip noted: what was sent in it, and how. */
export function notedD1(
  db: D1Database,
  note: (sent: Sent[], how: "batch" | "statement") => void,
): D1Database {
  const known = new WeakMap<object, { statement: D1PreparedStatement; sql: string; values: unknown[] }>();
  const sentOf = (sql: string, values: unknown[], { meta }: D1Result): Sent => ({
    ...{ sql, values },
    ...{ read: meta.rows_read, written: meta.rows_written },
  });
  const prepared = (statement: D1PreparedStatement, sql: string, values: unknown[]): D1PreparedStatement => {
    const run = async (): Promise<D1Result> => {
      const result = await statement.all();
      note([sentOf(sql, values, result)], "statement");
      return result;
    };
    const face = {
      bind: (...given: unknown[]) => prepared(statement.bind(...given), sql, given),
      all: run,
      run,
      first: async (column?: string) => {
        const row = ((await run()).results[0] ?? null) as Record<string, unknown> | null;
        return column === undefined || row === null ? row : row[column];
      },
      raw: async () => ((await run()).results as object[]).map((row) => Object.values(row)),
    } as unknown as D1PreparedStatement;
    known.set(face, { statement, sql, values });
    return face;
  };
  return {
    prepare: (sql: string) => prepared(db.prepare(sql), sql, []),
    batch: async (faces: D1PreparedStatement[]) => {
      const all = faces.map((face) => {
        const one = known.get(face);
        if (!one) throw new Error("a statement of another database");
        return one;
      });
      const results = await db.batch(all.map(({ statement }) => statement));
      note(
        all.map(({ sql, values }, index) => sentOf(sql, values, results[index] as D1Result)),
        "batch",
      );
      return results;
    },
  } as unknown as D1Database;
}
