import { env } from "cloudflare:workers";
import type { Sent } from "../support/noted-d1.ts";
import { planOf } from "./measure.ts";

/** Tables that do not grow with what is sold: read whole, wherever that is simplest. */
const SMALL = [
  ...["stores", "store_stock", "stock_states", "jobs", "shop_state", "cache_generation"],
  // One row, that says up to where.
  "figures_added_up",
];

/** Where rows come in the order that is asked for, a page of them is read and no more: each says `LIMIT`. */
const IN_ORDER = ["work", "emails", "events", "stock_levels"];

/** Sorts of what is bounded before: words of the statement that say so, and by what. */
const BOUNDED: [words: string, by: string][] = [
  ["AS page LEFT JOIN products", "a page of products, which was found by itself"],
  ["product_index MATCH", "candidates of a search: test/catalog/search/cost.test.ts"],
  ["title_word_index", "words like a misspelt one"],
  [
    "AS state CROSS JOIN orders",
    "the newest of each state of orders, as many as the page and those before it",
  ],
  ["o.rowid IN (SELECT value FROM json_each(", "orders that a text begins, 1,000 at most"],
  ["payment_events_flagged", "an order's own"],
  ["SELECT 1 AS version, NULL AS from_status", "an order's own versions"],
  ['from "order_items"', "an order's own"],
  ["FROM payments AS p", "an order's own"],
  ["FROM refunds AS r", "an order's own"],
  ['from "sessions"', "a user's own"],
  ["FROM stores", "the stores"],
  ["DELETE FROM cart_items", "a cart's own and what was merged into it"],
  ["product_figures", "what was sold on 366 days at most"],
  ["low_stock AS l", "what has fallen since the last letter"],
  ["INSERT INTO events", "what this batch itself appends"],
  ["UPDATE work SET lease", "the tasks that one message rings for"],
];

/** Steps of statements that go through a table that grows, or sort what nothing bounds; with the statement. */
export async function unanswered(statements: Sent[]): Promise<string[]> {
  const spared = new Set<string>();
  const { results } = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all<{
    name: string;
  }>();
  const tables = new Set(results.map(({ name }) => name));
  const found: string[] = [];
  for (const { sql: text, values, ...cost } of statements) {
    const statement = { ...cost, values, sql: text.replaceAll(/\s+/g, " ") };
    const names = namesIn(statement.sql, tables);
    const plan = await planOf(statement);
    // What is read of a subquery was found by its own steps, whatever it is called.
    const derived = plan.flatMap((step) => /^(?:CO-ROUTINE|MATERIALIZE) (\S+)$/.exec(step)?.[1] ?? []);
    const steps = plan.filter(
      (step) =>
        !derived.includes(/^SCAN (\S+)$/.exec(step)?.[1] ?? "") &&
        isUnanswered(step, statement.sql, names, spared),
    );
    if (steps.length > 0) found.push(`${steps.join("; ")}: ${statement.sql}`);
  }
  const idle = BOUNDED.filter(([words]) => !spared.has(words)).map(([words]) => `nothing sorts ${words}`);
  return [...found, ...idle];
}

/** Of each name in a statement, the table. */
function namesIn(sql: string, tables: Set<string>): Map<string, string> {
  const aliases = [...sql.matchAll(/"?(\w+)"? AS (\w+)/gi)].flatMap(([, table = "", alias = ""]) =>
    tables.has(table) ? [[alias, table] as const] : [],
  );
  return new Map([...[...tables].map((table) => [table, table] as const), ...aliases]);
}

/** @param spared gets the words that it was spared for */
function isUnanswered(step: string, sql: string, names: Map<string, string>, spared: Set<string>): boolean {
  if (/^USE TEMP B-TREE FOR ORDER BY/.test(step)) {
    const words = BOUNDED.flatMap(([text]) => (sql.includes(text) ? [text] : []));
    for (const text of words) spared.add(text);
    return words.length === 0;
  }
  const [, name = "", how = ""] = /^SCAN (\S+)(.*)$/.exec(step) ?? [];
  const table = names.get(name);
  if (table === undefined || SMALL.includes(table)) return false;
  // FTS5 was given words to match, or the row to match them in.
  if (/VIRTUAL TABLE INDEX/.test(how)) return !/INDEX \d+:=?M/.test(how);
  if (!/\bLIMIT\b/i.test(sql) && !/low_stock_untold/.test(how)) return true;
  return !/USING (COVERING )?INDEX/.test(how) && !IN_ORDER.includes(table);
}
