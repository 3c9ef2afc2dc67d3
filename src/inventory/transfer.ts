import { move } from "./ledger.ts";
import { NOTHING, readCount } from "./levels.ts";
import { MAX_ON_HAND } from "./operations.ts";
import type { Turn } from "./sql-port.ts";
import type { CommandOutcome, TransferCommand } from "./stock-types.ts";

/** Moves free units from one store to another: both movements or none. The stores differ. */
export function transfer(turn: Turn, command: TransferCommand): CommandOutcome {
  const { fromStoreId, toStoreId, quantity, actor, reason } = command;
  const from = readCount(turn.sql, fromStoreId) ?? NOTHING;
  const to = readCount(turn.sql, toStoreId) ?? NOTHING;
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
