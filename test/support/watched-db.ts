import { env } from "cloudflare:workers";

/** What one call cost, over all statements of its batch. */
export interface Cost {
  read: number;
  written: number;
}

/** D1, with what is asked of it noted: the text of each statement, and what its batches cost by D1's own count. */
export function watchedDb() {
  const queries: string[] = [];
  const cost: Cost = { read: 0, written: 0 };
  const db = {
    prepare: (query: string) => {
      queries.push(query);
      return env.DB.prepare(query);
    },
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await env.DB.batch(statements);
      for (const { meta } of results) {
        cost.read += meta.rows_read;
        cost.written += meta.rows_written;
      }
      return results;
    },
  } as unknown as D1Database;
  return { db, queries, cost };
}

/** The steps that SQLite would take for a statement, whatever its parameters are. */
export async function planOf(query: string): Promise<string[]> {
  const numbered = Array.from(query.matchAll(/\?(\d+)/g), ([, number]) => Number(number));
  const parameters = numbered.length > 0 ? Math.max(...numbered) : Array.from(query.matchAll(/\?/g)).length;
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`)
    .bind(...Array.from({ length: parameters }, () => 0))
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}
