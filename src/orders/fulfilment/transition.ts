import type { Context } from "../../platform/context.ts";
import { mayBecome, type OrderStatus } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import { type Changed, type Command, changeOrder, NOTHING_MORE } from "../steps/change.ts";
import { tasksOnConfirmation } from "../steps/confirmation.ts";
import { ALL_THAT_IS_LEFT, planShipment } from "./plan-shipment.ts";
import { shipment, shipmentId } from "./ship.ts";
import { nextStep } from "./steps.ts";
import { withheldUnless } from "./withheld.ts";

/** The steps that are taken by name. Others come of what they are: a cancel, a return, a payment, a deadline. */
export const NAMED_STEPS = ["confirmed", "processing", "shipped", "delivered"] as const;
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
    if (!stepsOf(current).includes(to)) return { refusal: illegal(current) };
    if (to !== "shipped") {
      const tasks =
        to === "confirmed" ? tasksOnConfirmation(context, current) : nextStep(context, current, to);
      const step = { to, event: `order.${to}`, tasks };
      return { reason: note, step, made: NOTHING_MORE };
    }
    const withheld = await withheldUnless(force, context, current);
    if (withheld.size > 0) return { refusal: { kind: "refunded" } };
    const plan = planShipment(current, ALL_THAT_IS_LEFT, withheld);
    if (plan.kind !== "planned") return { refusal: illegal(current) };
    const parcel = { tracking: null, carrier: null };
    const leaving = { id: shipmentId(operation.id), lines: plan.lines, parcel };
    return { ...shipment(context, current, leaving, note), made: NOTHING_MORE };
  });
}

/** `confirmed` is the shop's approval. An order by card is confirmed by its payment, and a dead one has no stock any more. */
const stepsOf = ({ status, paymentMethod }: Order): NamedStep[] =>
  NAMED_STEPS.filter(
    (step) =>
      mayBecome(status, step) && (step !== "confirmed" || (status === "pending" && paymentMethod !== "card")),
  );

const illegal = (order: Order): Illegal => ({
  kind: "illegal",
  status: order.status,
  allowed: stepsOf(order),
});
