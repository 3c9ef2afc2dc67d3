import type { Context } from "../context.ts";
import { inTime, Late } from "../patience.ts";
import type { Memory } from "./memory.ts";

/** After so long whoever began may be gone, and another begins anew; milliseconds. */
const WAIT_MS = 3_000;
/** After so long the work is given up; milliseconds. */
const WORK_MS = 10_000;

/**
 * One run of the work for all who ask for it at once in this isolate. What fails, fails for all of them, and the next
 * to ask begins anew. The work outlives a first client that hangs up; where its request was ended nevertheless, which
 * nobody is told, one of those who wait begins again, once.
 * @param work makes plain data: it is handed to other requests
 */
export async function oneForAll<T>(
  context: Context,
  { flights }: Memory,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const flying = flights.get(name) as Promise<T> | undefined;
  if (!flying) return begin(context, flights, name, work);
  try {
    return await inTime(flying, WAIT_MS);
  } catch (error) {
    if (!(error instanceof Late)) throw error;
  }
  const next = flights.get(name) as Promise<T> | undefined;
  return next && next !== flying ? inTime(next, WORK_MS) : begin(context, flights, name, work);
}

function begin<T>(
  context: Context,
  flights: Map<string, Promise<unknown>>,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const flight = inTime(work(), WORK_MS);
  const land = () => {
    if (flights.get(name) === flight) flights.delete(name);
  };
  flights.set(name, flight);
  context.defer(flight.then(land, land));
  return flight;
}
