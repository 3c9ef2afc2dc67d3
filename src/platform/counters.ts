import type { Context } from "./context.ts";
import { describeError } from "./log.ts";
import { inTime } from "./patience.ts";
import { each, run, type Sql, sql } from "./sql.ts";

/** A counter of Prometheus: its name, and its labels as JSON. What can be counted is few: each is a row for ever. */
interface Counted {
  name: string;
  labels: string;
  count: number;
}

/** What an isolate has counted and D1 does not have yet. */
interface Waiting {
  counts: Map<string, Counted>;
  /** When someone began to write it down, milliseconds since the epoch; null when nobody does. */
  writing: number | null;
}

/** So long counts are gathered before they are written: an isolate writes once in that time, however much it counts. */
const GATHER_MS = 1_000;
/** A D1 that has not answered by then is taken for broken. */
const PATIENCE_MS = 5_000;
/** Whoever began so long ago to write is gone with its request. */
const GIVEN_UP_MS = 30_000;

/** By environment, of which an isolate has one. */
const waiting = new WeakMap<object, Waiting>();

/**
 * Counts one more of what must be told even when no isolate lives that saw it. Never fails and never waits: it is
 * written to D1 after the answer. What cannot be written is kept for the next to count; what was written and not
 * acknowledged is counted twice, and what an isolate had not written when it died is lost.
 */
export function countOne(context: Context, name: string, labels: Record<string, string>): void {
  const known = waiting.get(context.env);
  const mine = known ?? { counts: new Map(), writing: null };
  if (!known) waiting.set(context.env, mine);
  add(mine, { name, labels: JSON.stringify(labels), count: 1 });
  const now = context.clock.now();
  if (mine.writing !== null && now - mine.writing < GIVEN_UP_MS) return;
  mine.writing = now;
  context.defer(writeDown(context, mine));
}

function add({ counts }: Waiting, { name, labels, count }: Counted): void {
  const key = `${name} ${labels}`;
  counts.set(key, { name, labels, count: (counts.get(key)?.count ?? 0) + count });
}

async function writeDown(context: Context, mine: Waiting): Promise<void> {
  await context.clock.sleep(GATHER_MS);
  const taken = [...mine.counts.values()];
  mine.counts.clear();
  mine.writing = null;
  try {
    await inTime(run(context.env.DB, addCounts(taken)), PATIENCE_MS);
  } catch (error) {
    for (const counted of taken) add(mine, counted);
    context.log.warn("counts could not be written", { error: describeError(error) });
  }
}

const addCounts = (counted: Counted[]): Sql =>
  sql`INSERT INTO counters (name, labels, value)
    SELECT value ->> 'name', value ->> 'labels', value ->> 'count' FROM ${each(counted)} WHERE true
    ON CONFLICT (name, labels) DO UPDATE SET value = value + excluded.value`;
