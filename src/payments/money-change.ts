import type { NewTask } from "../events/append.ts";
import type { OrderStatus, PaymentStatus } from "../orders/lifecycle.ts";
import type { OrderItem } from "../orders/order.ts";
import type { Operation } from "../platform/idempotency.ts";
import type { Payment, Refund } from "./money.ts";
import type { ClosedEvent } from "./statements.ts";

/** One change of an order's money, with all that belongs to it. What is left out stays as it is. */
export interface MoneyChange {
  event: string;
  reason: string | null;
  data: Record<string, unknown>;
  /** A command, for its repeat to recognise its effect, and what it is answered with once this is made. */
  operation?: Operation;
  answer?: { status: number; body: object };
  to?: OrderStatus;
  /** The order's new payment status, where captured money does not decide it. */
  paymentStatus?: PaymentStatus;
  /** The payment event that this change works off. */
  closes?: ClosedEvent;
  /** The payment as it is after its capture; a new row if there is none with its id. */
  captured?: Payment;
  failed?: Payment;
  /** New refunds, due or already settled, at most one for each payment. The payment may be captured by this change. */
  promised?: Refund[];
  /** A refund that moves on to the state `to`, if its state is one of `from`. */
  refund?: {
    row: Refund;
    from: Refund["state"][];
    to: "sent" | "settled" | "failed";
    providerId: string | null;
  };
  /** The fate of a late payment's claim. The order must still be expired. */
  fate?: { claim: string; fate: "placed"; items: OrderItem[] } | { claim: string; fate: "rejected" };
  tasks?: NewTask[];
}
