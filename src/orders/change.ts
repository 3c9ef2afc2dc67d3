import type { NewTask } from "../events/append.ts";
import type { Context } from "../platform/context.ts";
import { allows } from "../platform/etag.ts";
import { sql } from "../platform/sql.ts";
import { readOrder } from "./find.ts";
import { sendFollow } from "./follow.ts";
import { wasMadeBy } from "./history.ts";
import { moveOrders, type Step } from "./move.ts";
import type { Order } from "./order.ts";
import { tellStock } from "./tell-stock.ts";

/** What every command on an order carries. */
export interface Command {
  /** A ulid, the same for every repeat of one command: a repeat finds its own effect and succeeds again. */
  operation: string;
  /** At which versions it may be done, as an If-Match names them; null for any. */
  versions: number[] | null;
}

/** A step that a command asks for, of the order as it stands. */
export interface Change {
  reason: string | null;
  step: Omit<Step, "operation" | "guard">;
}

export type Proposal<R> = { change: Change } | { refusal: R };

export type Changed =
  /** `owed` is to be rung for: what the step owes besides the `follow`. Empty for a repeat, which owes no more. */
  | { kind: "changed"; order: Order; owed: NewTask[] }
  /** The order is at none of the versions that were asked for. */
  | { kind: "stale" }
  /** Others changed the order each time before this could: it may be sent again. */
  | { kind: "contended" };

/** Each loss means that another change of the same order went on. */
const MAX_TRIES = 16;

/**
 * Does a person's command on an order, or a task's, at most once: proposes a step of the order as it is, makes it from
 * that very version, and tells Stock. Who loses to another change looks again. That the command is not in the order's
 * history yet is a guard of the batch, so of twins one makes the step and the other finds it made.
 */
export async function changeOrder<R>(
  context: Context,
  order: Order,
  { operation, versions }: Command,
  propose: (current: Order) => Proposal<R> | Promise<Proposal<R>>,
): Promise<Changed | R> {
  let current = order;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const proposal = allows(versions, current.version) ? await propose(current) : null;
    if (proposal === null || "refusal" in proposal) {
      // What is refused now may be what this command itself has made of the order.
      if (await wasMadeBy(context, order.id, operation)) return repeated(context, current);
      return proposal === null ? { kind: "stale" } : proposal.refusal;
    }
    const { reason, step } = proposal.change;
    const [moved] = await moveOrders(context, [{ order: current, reason }], {
      ...step,
      operation,
      guard: () => sql`NOT EXISTS (
        SELECT 1 FROM order_history AS h WHERE h.order_id = orders.id AND h.operation = ${operation})`,
    });
    if (moved?.won) {
      await tellStock(context, moved);
      return { kind: "changed", order: moved.order, owed: step.work ?? [] };
    }
    current = moved?.order ?? current;
    if (await wasMadeBy(context, order.id, operation)) return repeated(context, current);
  }
  return { kind: "contended" };
}

/** The first run may have died before it told Stock. */
async function repeated(context: Context, known: Order): Promise<Changed> {
  const order = (await readOrder(context, known.id)) ?? known;
  await sendFollow(context, order);
  return { kind: "changed", order, owed: [] };
}
