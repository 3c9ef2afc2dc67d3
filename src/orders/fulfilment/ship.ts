import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { sql } from "../../platform/sql.ts";
import { type OrderStatus, SHIPPABLE } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import { type Changed, type Command, changeOrder, type PlannedStep } from "../steps/change.ts";
import { mailTask } from "../steps/mails.ts";
import { unitsLeft } from "../units.ts";
import {
  afterShipment,
  planShipment,
  type ShipmentLine,
  type ShipmentPlan,
  type ShipmentRequest,
} from "./plan-shipment.ts";
import type { Shipment } from "./read.ts";
import { nextStep } from "./steps.ts";
import { withheldUnless } from "./withheld.ts";
import { writeAllocations } from "./write-allocations.ts";

export interface Parcel {
  tracking: string | null;
  carrier: string | null;
}

export type ShipRefusal =
  | { kind: "not_shippable"; status: OrderStatus }
  | Exclude<ShipmentPlan, { kind: "planned" }>;

export type ShipOutcome = Changed<Shipment> | ShipRefusal;

/**
 * Ships items of an order, by default all that is left and was not refunded: it is `shipped` when nothing is left, and `processing` until
 * then. The batch that raises what each item has shipped is the shipment; Stock follows it, and takes the units off
 * what it has on hand.
 */
export async function shipOrder(
  context: Context,
  order: Order,
  command: Command<Shipment> & { request: ShipmentRequest; parcel: Parcel; force: boolean },
): Promise<ShipOutcome> {
  const { request, parcel, operation, force } = command;
  return changeOrder<ShipRefusal, Shipment>(context, order, command, async (current) => {
    if (!SHIPPABLE.includes(current.status)) {
      return { refusal: { kind: "not_shippable", status: current.status } };
    }
    const plan = planShipment(current, request, await withheldUnless(force, context, current));
    if (plan.kind !== "planned") return { refusal: plan };
    return shipment(context, current, { id: shipmentId(operation.id), lines: plan.lines, parcel });
  });
}

/** A command makes at most one shipment. */
export const shipmentId = (operation: string): string => prefixed("shp", operation);

interface NewShipment {
  id: string;
  lines: ShipmentLine[];
  parcel: Parcel;
}

/** The step by which these lines leave. @param reason for the history */
export function shipment(
  context: Context,
  order: Order,
  { id, lines, parcel }: NewShipment,
  reason: string | null = null,
): PlannedStep<Shipment> {
  const items = afterShipment(order.items, lines);
  const complete = items.every((item) => unitsLeft(item) === 0);
  const entered = complete ? "shipped" : order.status === "confirmed" ? "processing" : undefined;
  const step: PlannedStep["step"] = {
    to: entered,
    from: SHIPPABLE,
    kind: "shipment",
    event: complete ? "order.shipped" : "order.shipment",
    data: { shipment: { id, items: lines, ...parcel } },
    becomes: { items },
    besides: (stamp) => [
      writeAllocations(order.id, items, stamp),
      sql`INSERT INTO shipments (id, order_id, order_version, items, tracking, carrier, created_at)
          SELECT ${id}, o.id, o.version, ${JSON.stringify(lines)}, ${parcel.tracking}, ${parcel.carrier}, o.updated_at
          FROM orders AS o WHERE o.id = ${order.id} AND o.stamp = ${stamp}`,
    ],
    tasks: [
      ...mailTask(context, order.id, { template: "order_shipped", shipment: { items: lines, ...parcel } }),
      ...(entered === undefined ? [] : nextStep(context, order, entered)),
    ],
  };
  return {
    reason,
    step,
    made: ({ updatedAt }) => ({ id, items: lines, ...parcel, createdAt: updatedAt }),
  };
}
