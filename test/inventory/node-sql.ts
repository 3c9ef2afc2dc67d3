import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Sql, SqlValue } from "../../src/inventory/object/sql-port.ts";

/** The Stock logic's SQL port over node:sqlite. */
export function nodeSql(db: DatabaseSync): Sql {
  const statements = new Map<string, StatementSync>();
  const prepared = (query: string): StatementSync => {
    const known = statements.get(query) ?? db.prepare(query);
    statements.set(query, known);
    return known;
  };
  return {
    all: <T>(query: string, ...params: SqlValue[]) => prepared(query).all(...params) as T[],
    transact: (work) => {
      db.exec("BEGIN");
      try {
        const result = work();
        db.exec("COMMIT");
        return result;
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      }
    },
  };
}
