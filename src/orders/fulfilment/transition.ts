import type { Context } from "../../platform/context.ts";
import { mayBecome, type OrderStatus, TRANSITIONS } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import { type Changed, type Command, changeOrder, NOTHING_MORE } from "../steps/change.ts";
import { ALL_THAT_IS_LEFT, planShipment } from "./plan-shipment.ts";
import { shipment, shipmentId } from "./ship.ts";
import { nextStep } from "./steps.ts";

/** The steps that are taken by name. Others come of what they are: a cancel, a return, a payment, a deadline. */
export const NAMED_STEPS = ["processing", "shipped", "delivered"] as const;
export type NamedStep = (typeof NAMED_STEPS)[number];

export interface Illegal {
  kind: "illegal";
  status: OrderStatus;
  /** Which steps by name it may take instead. */
  allowed: NamedStep[];
}

export type TransitionOutcome = Changed | Illegal;

/** Takes an order one step along the table. The step to `shipped` ships all that is left. */
export async function transitionOrder(
  context: Context,
  order: Order,
  command: Command & { to: NamedStep; note: string | null },
): Promise<TransitionOutcome> {
  const { to, note, operation } = command;
  return changeOrder<Illegal>(context, order, command, (current) => {
    if (!mayBecome(current.status, to)) return { refusal: illegal(current.status) };
    if (to !== "shipped") {
      const step = { to, event: `order.${to}`, tasks: nextStep(context, current, to) };
      return { reason: note, step, made: NOTHING_MORE };
    }
    const plan = planShipment(current, ALL_THAT_IS_LEFT);
    if (plan.kind !== "planned") return { refusal: illegal(current.status) };
    const parcel = { tracking: null, carrier: null };
    const leaving = { id: shipmentId(operation.id), lines: plan.lines, parcel };
    return { ...shipment(context, current, leaving, note), made: NOTHING_MORE };
  });
}

const illegal = (status: OrderStatus): Illegal => ({
  kind: "illegal",
  status,
  allowed: NAMED_STEPS.filter((step) => TRANSITIONS[status].includes(step)),
});
