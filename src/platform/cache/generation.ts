import type { Context } from "../context.ts";
import { first, sql } from "../sql.ts";
import type { Memory } from "./memory.ts";
import { oneForAll } from "./one-for-all.ts";

/**
 * How old what everyone sees can be, in seconds:
 *
 *     an isolate goes by a generation that it read at most    10   (GENERATION_STALE_MS)
 *     waits for another request, and for KV                    4   (one-for-all.ts, shared.ts)
 *     a client or a proxy repeats the answer for              10   (MAX_AGE)
 *     and once more while it asks anew                        30   (STALE_WHILE_REVALIDATE)
 *                                                             --
 *                                                             54   of the 60 that are promised
 *
 * Answers in memory and in KV add nothing: they are named by the generation that was read before they were made, so
 * each is at least as new as its name, however late KV spreads it.
 */
const GENERATION_FRESH_MS = 5_000;
const GENERATION_STALE_MS = 10_000;
export const MAX_AGE = 10;
export const STALE_WHILE_REVALIDATE = 30;

/**
 * The generation that answers may go by without waiting; null when D1 must be asked first. From the fifth second on
 * D1 is asked besides, after the answer.
 */
export function rememberedGeneration(context: Context, memory: Memory): string | null {
  const known = memory.generation;
  if (!known) return null;
  const age = context.clock.now() - known.readAt;
  if (age >= GENERATION_STALE_MS) return null;
  if (age >= GENERATION_FRESH_MS && !memory.flights.has(flightOf(memory))) {
    context.defer(readGeneration(context, memory));
  }
  return known.value;
}

/** The generation of what the public answers are made from: triggers give a new one to each change of it. */
export const currentGeneration = async (context: Context, memory: Memory): Promise<string> =>
  rememberedGeneration(context, memory) ?? (await readGeneration(context, memory));

const flightOf = ({ turn }: Memory): string => `generation ${turn}`;

const readGeneration = (context: Context, memory: Memory): Promise<string> =>
  oneForAll(context, memory, flightOf(memory), async () => {
    const { turn } = memory;
    const readAt = context.clock.now();
    const row = await first(
      context.env.DB,
      sql<{ generation: string }>`SELECT generation FROM cache_generation WHERE id = 1`,
    );
    // Without its row, which a migration made, nothing would tell of changes: so nothing is taken to be the same.
    const value = row?.generation ?? context.ids.next();
    memory.learnGeneration({ value, readAt }, turn);
    return value;
  });
