import { move } from "./ledger.ts";
import { NOTHING, readCount } from "./levels.ts";
import { MAX_ON_HAND } from "./operations.ts";
import type { Turn } from "./sql-port.ts";
import type { AdjustCommand, AdjustType, CommandOutcome } from "./stock-types.ts";

/** What a correction, delivery, return or breakage does to on_hand, given what is there. */
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
  const { on_hand, reserved } = readCount(turn.sql, storeId) ?? NOTHING;
  const difference = DIFFERENCES[type](quantity, on_hand);
  if (on_hand + difference < reserved) {
    return { kind: "stock_reserved", on_hand, reserved, requested: quantity };
  }
  if (on_hand + difference > MAX_ON_HAND) return { kind: "too_many", on_hand, limit: MAX_ON_HAND };
  const movement = move(turn, { type, storeId, quantity: difference, actor, reason, reference });
  return { kind: "done", movements: [movement] };
}
