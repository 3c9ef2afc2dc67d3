import type {
  AdjustCommand,
  AdjustType,
  CommandBy,
  CommandOutcome,
  OpenCommand,
  TransferCommand,
} from "../stock-types.ts";
import { move } from "./ledger.ts";
import { countIn, NO_UNITS } from "./levels.ts";
import type { Turn } from "./sql-port.ts";

/** The most units that a store can have on hand of a product. */
export const MAX_ON_HAND = 1_000_000_000;

/**
 * Runs a command once. Each repeat of its id gets the same answer. A person's refusal is kept like a success, so that a
 * retry never turns a "no" that was answered into a "yes". The system's own command is repeated until it can be done, so
 * none of its refusals is kept. Another body under the id changes nothing.
 */
export function onceByOperation<C extends { operation: string }>(
  turn: Turn,
  command: C,
  work: (turn: Turn, command: C) => CommandOutcome,
  by: CommandBy = "person",
): CommandOutcome {
  const { sql, books } = turn;
  const fingerprint = JSON.stringify(command, Object.keys(command).sort());
  const [known] = sql.all<{ fingerprint: string; outcome: string }>(
    "SELECT fingerprint, outcome FROM operations WHERE id = ?",
    command.operation,
  );
  // A refusal may be there from a version that kept those of the system, too.
  const isKept = known !== undefined && (by === "person" || isDone(known.outcome));
  if (known && isKept) {
    return known.fingerprint === fingerprint ? JSON.parse(known.outcome) : { kind: "operation_reused" };
  }
  const outcome = work(turn, command);
  if (by === "system" && outcome.kind !== "done") return outcome;
  sql.all(
    "INSERT OR REPLACE INTO operations (id, fingerprint, outcome, line) VALUES (?, ?, ?, ?)",
    command.operation,
    fingerprint,
    JSON.stringify(outcome),
    books.lastSeq,
  );
  return outcome;
}

const isDone = (outcome: string): boolean => (JSON.parse(outcome) as CommandOutcome).kind === "done";

/** Sets opening stock where a store never had any of the product. Returns those stores. */
export function open(turn: Turn, { levels, actor }: OpenCommand): string[] {
  return levels.flatMap(({ store_id: storeId, quantity }) => {
    if (countIn(turn.books, storeId)) return [];
    move(turn, { type: "opening", storeId, quantity, actor });
    return [storeId];
  });
}

/** How much each type of adjustment changes `on_hand`, given what is there. */
const DIFFERENCES: Record<AdjustType, (quantity: number, onHand: number) => number> = {
  add: (quantity) => quantity,
  receive: (quantity) => quantity,
  return: (quantity) => quantity,
  remove: (quantity) => -quantity,
  damage: (quantity) => -quantity,
  set: (quantity, onHand) => quantity - onHand,
};

/** Changes what a store has on hand; never below what is reserved there. */
export function adjust(turn: Turn, command: AdjustCommand): CommandOutcome {
  const { type, storeId, quantity, actor, reason, reference } = command;
  const { on_hand, reserved } = countIn(turn.books, storeId) ?? NO_UNITS;
  const difference = DIFFERENCES[type](quantity, on_hand);
  if (on_hand + difference < reserved) {
    return { kind: "stock_reserved", on_hand, reserved, requested: quantity };
  }
  if (on_hand + difference > MAX_ON_HAND) return { kind: "too_many", on_hand, limit: MAX_ON_HAND };
  const movement = move(turn, { type, storeId, quantity: difference, actor, reason, reference });
  return { kind: "done", movements: [movement] };
}

/** Moves free units from one store to another: both movements or none. The stores differ. */
export function transfer(turn: Turn, command: TransferCommand): CommandOutcome {
  const { fromStoreId, toStoreId, quantity, actor, reason } = command;
  const from = countIn(turn.books, fromStoreId) ?? NO_UNITS;
  const to = countIn(turn.books, toStoreId) ?? NO_UNITS;
  if (from.on_hand - quantity < from.reserved) {
    return { kind: "stock_reserved", ...from, requested: quantity };
  }
  if (to.on_hand + quantity > MAX_ON_HAND) {
    return { kind: "too_many", on_hand: to.on_hand, limit: MAX_ON_HAND };
  }
  const out = move(turn, { type: "transfer_out", storeId: fromStoreId, quantity: -quantity, actor, reason });
  const into = move(turn, { type: "transfer_in", storeId: toStoreId, quantity, actor, reason });
  return { kind: "done", movements: [out, into] };
}
