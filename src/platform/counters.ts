import type { Context } from "./context.ts";
import { isolateOf } from "./joined-check.ts";
import { describeError } from "./log.ts";
import { each, run, type Sql, sql } from "./sql.ts";
import { withTimeout } from "./timeout.ts";

/** A Prometheus counter with its labels as JSON. Each pair of name and labels is a row for ever, so there must be few. */
interface Counter {
  name: string;
  labels: string;
  count: number;
}

/** What an isolate has counted but not yet written to D1. */
interface Pending {
  counters: Map<string, Counter>;
  /** When the write that runs now began, milliseconds since the epoch; null when none runs. */
  writingSince: number | null;
}

/** An isolate writes at most once in this time, however much it counts. */
const WRITE_INTERVAL_MS = 1_000;
const TIMEOUT_MS = 5_000;
/** A write that began longer ago has ended with its request. */
const ABANDONED_MS = 30_000;

/** By environment, of which an isolate has one. */
const pendingOf = new WeakMap<object, Pending>();

/**
 * Counts one more in D1, since isolates do not live long enough to be asked for their counts. Never fails and never waits:
 * the count is written after the response. If the write fails, the next one takes it along. A write that D1 made but did
 * not acknowledge is counted twice; what an isolate had not written when it ended is lost.
 */
export function incrementCounter(context: Context, name: string, labels: Record<string, string>): void {
  const known = pendingOf.get(isolateOf(context.env));
  const pending = known ?? { counters: new Map(), writingSince: null };
  if (!known) pendingOf.set(isolateOf(context.env), pending);
  add(pending, { name, labels: JSON.stringify(labels), count: 1 });
  const now = context.clock.now();
  if (pending.writingSince !== null && now - pending.writingSince < ABANDONED_MS) return;
  pending.writingSince = now;
  context.defer(write(context, pending));
}

function add({ counters }: Pending, { name, labels, count }: Counter): void {
  const key = `${name} ${labels}`;
  counters.set(key, { name, labels, count: (counters.get(key)?.count ?? 0) + count });
}

async function write(context: Context, pending: Pending): Promise<void> {
  await context.clock.sleep(WRITE_INTERVAL_MS);
  const taken = [...pending.counters.values()];
  pending.counters.clear();
  pending.writingSince = null;
  try {
    await withTimeout(run(context.env.DB, addCounts(taken)), TIMEOUT_MS);
  } catch (error) {
    for (const counter of taken) add(pending, counter);
    context.log.warn("counts could not be written", { error: describeError(error) });
  }
}

const addCounts = (counters: Counter[]): Sql =>
  sql`INSERT INTO counters (name, labels, value)
    SELECT value ->> 'name', value ->> 'labels', value ->> 'count' FROM ${each(counters)} WHERE true
    ON CONFLICT (name, labels) DO UPDATE SET value = value + excluded.value`;
