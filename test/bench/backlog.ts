/** What a shop has answered and not done yet. */
export interface Backlog {
  /** Tasks that are owed: mails, for the most part. Null where the shop works off no tasks. */
  tasks: number | null;
  /** Units that living orders have and the lists do not show yet. Null where nobody can say. */
  units: number | null;
}

export type ReadBacklog = () => Promise<Backlog>;

const TASKS = "SELECT count(*) AS found FROM work WHERE state = 'owed'";
const UNITS = `
  SELECT coalesce(sum(max(0, sold.units - coalesce(shown.units, 0))), 0) AS found FROM
    (SELECT i.product_id, sum(i.quantity) AS units FROM orders AS o JOIN order_items AS i ON i.order_id = o.id
      WHERE o.status IN ('pending', 'confirmed') GROUP BY i.product_id) AS sold
    LEFT JOIN (SELECT product_id, sum(reserved) AS units FROM stock_levels GROUP BY product_id) AS shown
      USING (product_id)`;

/** Reads it from the tables, which are the truth: a queue's messages are only wake-ups. */
export const backlogOf =
  (db: D1Database, worksOffTasks: boolean): ReadBacklog =>
  async () => {
    const found = async (sql: string) => (await db.prepare(sql).first<number>("found")) ?? 0;
    return { tasks: worksOffTasks ? await found(TASKS) : null, units: await found(UNITS) };
  };

/** Reads it from a shop's metrics: the tasks alone, up to 10,000. */
export const backlogByMetrics =
  (url: string): ReadBacklog =>
  async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    const owed = [...text.matchAll(/^work_owed\{[^}]*\} (\d+)$/gm)].map(([, value]) => Number(value));
    return { tasks: owed.reduce((sum, value) => sum + value, 0), units: null };
  };

/**
 * By so many seconds' orders what is left to do goes up and down at a steady rate: objects report every two seconds, many of
 * them at about the same time.
 */
const SWING_SECONDS = 2;

/**
 * Whether what is left to do grew by more than it goes up and down by: then the shop answered faster than it sells.
 * @param rate orders a second
 * @param units of an order
 */
export function grew(before: Backlog, after: Backlog, rate: number, units: number): boolean {
  const more = (what: keyof Backlog) => (after[what] ?? 0) - (before[what] ?? 0);
  return more("tasks") > SWING_SECONDS * rate || more("units") > SWING_SECONDS * rate * units;
}
