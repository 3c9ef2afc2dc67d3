import type { orders } from "./tables.ts";

export type OrderStatus = (typeof orders.$inferSelect)["status"];
export type PaymentStatus = (typeof orders.$inferSelect)["paymentStatus"];
export type PaymentMethod = (typeof orders.$inferSelect)["paymentMethod"];
export type Priority = (typeof orders.$inferSelect)["priority"];

/** Which step may follow which. Guards (nothing shipped yet, the deadline has passed) stand with their operations. */
export const TRANSITIONS: Record<OrderStatus, readonly OrderStatus[]> = {
  pending: ["confirmed", "cancelled", "expired"],
  confirmed: ["processing", "cancelled"],
  processing: ["shipped", "cancelled"],
  shipped: ["delivered"],
  delivered: ["returned"],
  returned: [],
  cancelled: [],
  expired: ["confirmed"],
  rejected: [],
};

/** A living order keeps what it has not shipped on hold; a dead one keeps nothing. */
const LIVING: readonly OrderStatus[] = [
  "pending",
  "confirmed",
  "processing",
  "shipped",
  "delivered",
  "returned",
];

export const isLiving = (status: OrderStatus): boolean => LIVING.includes(status);

export const mayBecome = (from: OrderStatus, to: OrderStatus): boolean => TRANSITIONS[from].includes(to);

/** How an order begins: invoice and cash on delivery need no payment first; a card's waits for it. */
export function beginning(method: PaymentMethod): { status: OrderStatus; paymentStatus: PaymentStatus } {
  switch (method) {
    case "card":
      return { status: "pending", paymentStatus: "awaiting" };
    case "invoice":
    case "cash_on_delivery":
      return { status: "confirmed", paymentStatus: "none" };
  }
}
