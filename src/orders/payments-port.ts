import type { Context } from "../platform/context.ts";
import type { OrderPaymentWire } from "./schemas.ts";

/** What an order's page needs of the payments above it: wired in app.ts. */
export interface PaymentsPort {
  /** Every payment of one order, oldest first. */
  paymentsOf(context: Context, orderId: string): Promise<OrderPaymentWire[]>;
}
