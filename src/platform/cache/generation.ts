import type { Context } from "../context.ts";
import { first, sql } from "../sql.ts";
import type { Memory } from "./memory.ts";
import { singleFlight } from "./single-flight.ts";

/**
 * How old a public answer can be, in seconds:
 *
 *     an isolate uses a generation that it read at most       10   (GENERATION_STALE_MS)
 *     it waits for another request, and for KV                 4   (single-flight.ts, kv.ts)
 *     a client or a proxy repeats the answer for              10   (MAX_AGE_SECONDS)
 *     and once more while it asks again                       30   (STALE_WHILE_REVALIDATE_SECONDS)
 *                                                             --
 *                                                             54   of the 60 that are promised
 *
 * Keeping answers in memory and in KV adds nothing: an answer is stored under the generation that was read before it was
 * made, so it is at least as new as that generation, however late KV spreads it.
 */
const GENERATION_FRESH_MS = 5_000;
const GENERATION_STALE_MS = 10_000;
export const MAX_AGE_SECONDS = 10;
export const STALE_WHILE_REVALIDATE_SECONDS = 30;

/**
 * The generation that may be used without asking D1; null when D1 must be asked first. Once it is five seconds old, D1 is
 * asked too, but after the response.
 */
export function cachedGeneration(context: Context, memory: Memory): string | null {
  const known = memory.generation;
  if (!known) return null;
  const age = context.clock.now() - known.readAt;
  if (age >= GENERATION_STALE_MS) return null;
  if (age >= GENERATION_FRESH_MS && !memory.inFlight.has(flightName(memory))) {
    context.defer(readGeneration(context, memory));
  }
  return known.value;
}

/** The generation of the public data. Triggers set a new one at each change of the data. */
export const currentGeneration = async (context: Context, memory: Memory): Promise<string> =>
  cachedGeneration(context, memory) ?? (await readGeneration(context, memory));

const flightName = ({ invalidations }: Memory): string => `generation ${invalidations}`;

const readGeneration = (context: Context, memory: Memory): Promise<string> =>
  singleFlight(context, memory, flightName(memory), async () => {
    const { invalidations } = memory;
    const readAt = context.clock.now();
    const row = await first(
      context.env.DB,
      sql<{ generation: string }>`SELECT generation FROM cache_generation WHERE id = 1`,
    );
    // A migration made this row. If it is missing, changes cannot be noticed, so no kept answer may be used.
    const value = row?.generation ?? context.ids.next();
    memory.learnGeneration({ value, readAt }, invalidations);
    return value;
  });
