import type { Context } from "../context.ts";
import { TimeoutError, withTimeout } from "../timeout.ts";
import type { Memory } from "./memory.ts";

/** A caller that has waited this long assumes that the request which does the work has died, and starts again. */
const WAIT_MS = 3_000;
/** The work is given up after this long. */
const WORK_MS = 10_000;

/**
 * Runs the work once for all callers in this isolate that ask for the same name at the same time. If it fails, it fails
 * for all of them, and the next caller starts again. The work goes on when the first client hangs up. If the runtime ends
 * that client's request nevertheless, nobody is told: so one of the callers that wait starts the work again, once.
 * @param work must return plain data, because other requests receive it too
 */
export async function singleFlight<T>(
  context: Context,
  { inFlight }: Memory,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const running = inFlight.get(name) as Promise<T> | undefined;
  if (!running) return start(context, inFlight, name, work);
  try {
    return await withTimeout(running, WAIT_MS);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  }
  const next = inFlight.get(name) as Promise<T> | undefined;
  return next && next !== running ? withTimeout(next, WORK_MS) : start(context, inFlight, name, work);
}

function start<T>(
  context: Context,
  inFlight: Map<string, Promise<unknown>>,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const flight = withTimeout(work(), WORK_MS);
  const forget = () => {
    if (inFlight.get(name) === flight) inFlight.delete(name);
  };
  inFlight.set(name, flight);
  context.defer(flight.then(forget, forget));
  return flight;
}
