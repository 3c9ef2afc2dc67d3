import type { Context } from "../../platform/context.ts";
import { mayBecome, type OrderStatus, TRANSITIONS } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import { type Changed, type Command, changeOrder, NOTHING_MORE } from "../steps/change.ts";
import { ALL_THAT_IS_LEFT, planShipment } from "./plan-shipment.ts";
import { shipment, shipmentId } from "./ship.ts";
import { nextStep } from "./steps.ts";
import { withheldUnless } from "./withheld.ts";

/** The steps that are taken by name. Others come of what they are: a cancel, a return, a payment, a deadline. */
export const NAMED_STEPS = ["processing", "shipped", "delivered"] as const;
export type NamedStep = (typeof NAMED_STEPS)[number];

export interface Illegal {
  kind: "illegal";
  status: OrderStatus;
  /** Which steps by name it may take instead. */
  allowed: NamedStep[];
}

/** Something of what is left was refunded, so the order cannot become `shipped` by shipping all. */
export interface Refunded {
  kind: "refunded";
}

export type TransitionOutcome = Changed | Illegal | Refunded;

/** Takes an order one step along the table. The step to `shipped` ships all that is left. */
export async function transitionOrder(
  context: Context,
  order: Order,
  command: Command & { to: NamedStep; note: string | null; force: boolean },
): Promise<TransitionOutcome> {
  const { to, note, operation, force } = command;
  return changeOrder<Illegal | Refunded>(context, order, command, async (current) => {
    if (!mayBecome(current.status, to)) return { refusal: illegal(current.status) };
    if (to !== "shipped") {
      const step = { to, event: `order.${to}`, tasks: nextStep(context, current, to) };
      return { reason: note, step, made: NOTHING_MORE };
    }
    const withheld = await withheldUnless(force, context, current);
    if (withheld.size > 0) return { refusal: { kind: "refunded" } };
    const plan = planShipment(current, ALL_THAT_IS_LEFT, withheld);
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
