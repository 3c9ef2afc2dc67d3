import type { Turn } from "./sql-port.ts";
import type { CommandOutcome } from "./stock-types.ts";

/** The most units that a store can have on hand of a product. */
export const MAX_ON_HAND = 1_000_000_000;

/**
 * Does a person's command once: its id is answered the same ever after, a refusal like a success, so that a retry
 * never turns a "no" that was told into a "yes". Another body under the id changes nothing.
 */
export function onceByOperation<C extends { operation: string }>(
  turn: Turn,
  command: C,
  work: (turn: Turn, command: C) => CommandOutcome,
): CommandOutcome {
  const { sql } = turn;
  const fingerprint = JSON.stringify(command, Object.keys(command).sort());
  const [known] = sql.all<{ fingerprint: string; outcome: string }>(
    "SELECT fingerprint, outcome FROM operations WHERE id = ?",
    command.operation,
  );
  if (known) {
    return known.fingerprint === fingerprint ? JSON.parse(known.outcome) : { kind: "operation_reused" };
  }
  const outcome = work(turn, command);
  sql.all(
    "INSERT INTO operations (id, fingerprint, outcome) VALUES (?, ?, ?)",
    command.operation,
    fingerprint,
    JSON.stringify(outcome),
  );
  return outcome;
}
