import type { Context } from "../platform/context.ts";
import type { FlaggedEventWire, OrderPaymentWire } from "./schemas.ts";

/** What an order's page needs of the payments above it: wired in app.ts. */
export interface PaymentsPort {
  /** Every payment of one order, oldest first. */
  paymentsOf(context: Context, orderId: string): Promise<OrderPaymentWire[]>;
  /** What providers told of it that waits for a person, oldest first. */
  flaggedEventsOf(context: Context, orderId: string): Promise<FlaggedEventWire[]>;
}
