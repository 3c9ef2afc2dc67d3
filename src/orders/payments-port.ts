import type { Context } from "../platform/context.ts";
import type { Order } from "./order.ts";
import type { DueBack } from "./refund-due.ts";
import type { FlaggedEventWire, OrderPaymentWire, RefundWire } from "./schemas.ts";
import type { Step } from "./steps/move.ts";

/** What an order's page needs of the payments above it: wired in app.ts. */
export interface PaymentsPort {
  /** Every payment of one order, oldest first. */
  paymentsOf(context: Context, orderId: string): Promise<OrderPaymentWire[]>;
  /** What providers told of it that waits for a person, oldest first. */
  flaggedEventsOf(context: Context, orderId: string): Promise<FlaggedEventWire[]>;
}

/** A refund of an order, as the step promises it that causes it. */
export interface WantedRefund {
  /** The command's id, after which the refund is named: a repeat finds it. */
  operation: string;
  due: DueBack;
  reason: string;
}

/** The parts of a step by which refunds are promised, with the tasks that send them. */
export interface OwedRefund {
  /** One for each payment that it takes money of, which is nearly always one. None where nothing is due. */
  refunds: RefundWire[];
  step: Required<Pick<Step, "guard" | "besides" | "becomes" | "tasks">>;
}

/** What the steps of an order that give money back need of the payments above it: wired in app.ts. */
export interface RefundsPort {
  /** Plans a refund of the order as it was read: it stands where the step wins that very version. */
  oweRefund(context: Context, order: Order, wanted: WantedRefund): Promise<OwedRefund>;
  /** What a command has promised: for its repeat, where its answer was not kept. */
  refundsBy(context: Context, orderId: string, operation: string): Promise<RefundWire[]>;
}
