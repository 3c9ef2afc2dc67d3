import type { PaymentMethod } from "../platform/settings.ts";
import { trusted } from "../platform/sql.ts";

export { PAYMENT_METHODS, type PaymentMethod } from "../platform/settings.ts";

export const ORDER_STATUSES = [
  "pending",
  "confirmed",
  "processing",
  "shipped",
  "delivered",
  "returned",
  "cancelled",
  "expired",
  "rejected",
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

export const PAYMENT_STATUSES = [
  "none",
  "awaiting",
  "paid",
  "failed",
  "refund_due",
  "partially_refunded",
  "refunded",
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/**
 * What made a version of an order: a step of its life (being placed too), parts that left or came back, what was left given
 * up, money on its way back, another word about its money, such as a payment that failed, or where it goes, whom it is for and what is noted.
 */
export const HISTORY_KINDS = [
  "transition",
  "shipment",
  "return",
  "refund",
  "close",
  "payment",
  "details",
] as const;
export type HistoryKind = (typeof HISTORY_KINDS)[number];

export const PRIORITIES = ["low", "normal", "high"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Which step may follow which. Guards (nothing shipped yet, the deadline has passed) stand with their operations. */
export const TRANSITIONS: Record<OrderStatus, readonly OrderStatus[]> = {
  pending: ["confirmed", "cancelled", "expired"],
  confirmed: ["processing", "cancelled"],
  processing: ["shipped", "cancelled"],
  shipped: ["delivered", "returned"],
  delivered: ["returned"],
  returned: [],
  cancelled: [],
  expired: ["confirmed"],
  rejected: [],
};

/** Where an order may be that ships. From `confirmed` it passes through `processing` in the same step. */
export const SHIPPABLE: readonly OrderStatus[] = ["confirmed", "processing"];

/** A dead order keeps nothing; a living one keeps what it has not shipped on hold. In the order of `orders_cart`. */
const DEAD: readonly OrderStatus[] = ["rejected", "cancelled", "expired"];

/** Whether an order is living, in SQL: in the words of the index `orders_cart`, so that SQLite uses it. */
export const livingSql = (alias: string) =>
  trusted(
    `(CASE WHEN ${DEAD.map((status) => `${alias}.status = '${status}'`).join(" OR ")} THEN ${alias}.id ELSE '' END) = ''`,
  );

export const isLiving = (status: OrderStatus): boolean => !DEAD.includes(status);

export const mayBecome = (from: OrderStatus, to: OrderStatus): boolean => TRANSITIONS[from].includes(to);

/**
 * How an order begins: invoice and cash on delivery need no payment first, but perhaps the shop's approval; a card's waits
 * for its payment, unless there is nothing to pay.
 * @param total minor units
 */
export function beginning(
  method: PaymentMethod,
  total: number,
  needsApproval: boolean,
): { status: OrderStatus; paymentStatus: PaymentStatus } {
  if (total === 0) return { status: "confirmed", paymentStatus: "none" };
  switch (method) {
    case "card":
      return { status: "pending", paymentStatus: "awaiting" };
    case "invoice":
    case "cash_on_delivery":
      return { status: needsApproval ? "pending" : "confirmed", paymentStatus: "none" };
  }
}
