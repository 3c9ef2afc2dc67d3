import type { NewTask } from "../../events/append.ts";
import type { Context } from "../../platform/context.ts";
import { allows } from "../../platform/http/etag.ts";
import type { Operation } from "../../platform/idempotency.ts";
import { sql } from "../../platform/sql.ts";
import type { Order } from "../order.ts";
import { readOrder } from "../read/find.ts";
import { wasMadeBy } from "../read/history.ts";
import { sendFollow } from "./follow.ts";
import { moveOrders, orderAfter, type Step } from "./move.ts";
import { wonOrder } from "./stamped.ts";
import { tellStock } from "./tell-stock.ts";

/** What every command on an order carries. */
export interface Command<Made = null> {
  /** The same for every repeat of one command: a repeat finds its own effect and succeeds again. */
  operation: Operation;
  /** At which versions it may be done, as an If-Match names them; null for any. */
  versions: number[] | null;
  /** What it is answered with once it is done: stored by the batch that does it. Left out by a task, which answers nobody. */
  answer?: (order: Order, made: Made) => { status: number; body: object };
}

/** The step by which a command is done, of the order as it stands. */
export interface PlannedStep<Made = null> {
  /** For the order's history. */
  reason: string | null;
  step: Omit<Step, "operation">;
  /** What the step makes besides, a shipment or a return, from the order as it leaves it. */
  made: (after: Order) => Made;
}

export type Plan<Refusal, Made = null> = PlannedStep<Made> | { refusal: Refusal };

/** What a step makes that makes nothing besides. */
export const NOTHING_MORE = (): null => null;

export type Changed<Made = null> =
  /**
   * `made` is null for a repeat: it is to be read. `tasks` are to be woken: those that the step added, except the
   * `follow`. A repeat has none.
   */
  | { kind: "changed"; order: Order; made: Made | null; tasks: NewTask[] }
  /** The order is at none of the versions that were asked for. */
  | { kind: "stale" }
  /** Others changed the order each time before this could: it may be sent again. */
  | { kind: "contended" };

/** Each lost try means that another change of the same order was made. */
const MAX_TRIES = 16;

/**
 * Does a person's command on an order, or a task's, at most once: plans a step of the order as it is, makes it from
 * that very version, stores its answer in the same batch, and tells Stock. Where another change came first, it
 * plans again. The batch requires that the command is not in the order's history yet: of twins one makes the step, and
 * the other finds it made.
 */
export async function changeOrder<Refusal, Made = null>(
  context: Context,
  order: Order,
  { operation, versions, answer }: Command<Made>,
  planFor: (current: Order) => Plan<Refusal, Made> | Promise<Plan<Refusal, Made>>,
): Promise<Changed<Made> | Refusal> {
  let current = order;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const plan = allows(versions, current.version) ? await planFor(current) : null;
    if (plan === null || "refusal" in plan) {
      // The order may be like this because an earlier run of this very command made it so.
      if (await wasMadeBy(context, order.id, operation.id)) return repeated(context, current);
      return plan === null ? { kind: "stale" } : plan.refusal;
    }
    const { reason, step } = plan;
    const at = context.clock.now();
    const after = orderAfter(current, step, at);
    const made = plan.made(after);
    const answered = answer?.(after, made);
    const [moved] = await moveOrders(context, [{ order: current, reason }], {
      ...step,
      at,
      operation: operation.id,
      guard: (stamp) => sql`NOT EXISTS (
        SELECT 1 FROM order_history AS h WHERE h.order_id = orders.id AND h.operation = ${operation.id})
        AND ${step.guard?.(stamp) ?? sql`true`}`,
      besides: (stamp) => [
        ...(step.besides?.(stamp) ?? []),
        answered && operation.answer(answered.status, answered.body, wonOrder(sql`${order.id}`, stamp)),
      ],
    });
    if (moved?.won) {
      operation.answered = answered !== undefined;
      await tellStock(context, moved);
      return { kind: "changed", order: moved.order, made, tasks: step.tasks ?? [] };
    }
    current = moved?.order ?? current;
    if (await wasMadeBy(context, order.id, operation.id)) return repeated(context, current);
  }
  return { kind: "contended" };
}

/** The first run may have died before it told Stock. */
async function repeated(context: Context, known: Order): Promise<Changed<never>> {
  const order = (await readOrder(context, known.id)) ?? known;
  await sendFollow(context, order);
  return { kind: "changed", order, made: null, tasks: [] };
}
