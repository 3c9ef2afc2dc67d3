import type { ClaimedOrder, OrdersPort } from "../../claims/states.ts";
import type { OrderStatus } from "../lifecycle.ts";
import type { OrderAllocation } from "../order.ts";
import { expireOrders } from "./expire.ts";
import { keptState } from "./follow.ts";

const waitsForPayment = ({ status, expires_at }: ClaimedOrder): boolean =>
  status === "pending" && expires_at !== null;

/** What the claims' room may ask about the orders behind claims. */
export const claimedOrders: OrdersPort = {
  async expireDue(context, orders) {
    const now = context.clock.now();
    const due = orders.filter((order) => waitsForPayment(order) && (order.expires_at ?? 0) <= now);
    if (due.length === 0) return false;
    await expireOrders(
      context,
      due.map(({ id, version, stamp, reference }) => ({ id, version, stamp, reference, status: "pending" })),
    );
    return true;
  },
  stateOf(order, now) {
    const allocations = JSON.parse(order.allocations ?? "[]") as OrderAllocation[];
    const waits = waitsForPayment(order) && (order.expires_at ?? 0) > now;
    return {
      state: keptState(order.status as OrderStatus, allocations),
      askAt: waits ? order.expires_at : null,
    };
  },
};
