import type { TaskName } from "../../events/append.ts";
import { isTaskName } from "../../events/work.ts";
import { UNDELIVERED } from "../keep-undelivered.ts";

interface TaskKind {
  /** Stock or money hangs on it: it may be tried again, but neither dropped nor revoked (docs/DESIGN.md §4). */
  critical: boolean;
}

/**
 * A step of the fulfilment moves nothing itself: an order too long in one is sent another, and people can take it by
 * hand. A walk over the stock that is given up is begun again the next night. Of what an order is paid after its end,
 * all goes back, whether or not its payments were ended before.
 */
const KINDS: Record<TaskName, TaskKind> = {
  email: { critical: false },
  "end-payments": { critical: false },
  follow: { critical: true },
  "fulfilment-step": { critical: false },
  "payment-event": { critical: true },
  reconcile: { critical: false },
  refund: { critical: true },
  restock: { critical: true },
};

/** What another version of Holdfast owed may be anything, and so counts as critical. */
export function isCritical(task: string): boolean {
  if (task === UNDELIVERED) return false;
  return !isTaskName(task) || KINDS[task].critical;
}
