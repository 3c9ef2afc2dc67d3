import type { Context } from "../context.ts";
import type { Memory } from "./memory.ts";
import { singleFlight } from "./single-flight.ts";

/**
 * What many ask for at the same time, of a part that has better things to do: in each isolate one asks at a time, and the answer
 * serves all for a while.
 * @param milliseconds how old an answer may be
 * @param ask must return plain data, because other requests receive it too
 */
export async function shared<T>(
  context: Context,
  memory: Memory,
  { name, milliseconds }: { name: string; milliseconds: number },
  ask: () => Promise<T>,
): Promise<T> {
  const known = memory.recent.get(name);
  const age = known === undefined ? null : context.clock.now() - known.at;
  if (known && age !== null && age >= 0 && age < milliseconds) return known.value as T;
  return singleFlight(context, memory, name, async () => {
    const at = context.clock.now();
    const value = await ask();
    memory.recent.set(name, { at, value, bytes: 2 * JSON.stringify(value).length });
    return value;
  });
}
