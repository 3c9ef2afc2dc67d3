import type { OrderStatus } from "../lifecycle.ts";

/** Where an order stands, in words for its customer. */
export const STANDING: Record<OrderStatus, string> = {
  pending: "It waits for your payment.",
  confirmed: "It is confirmed, and we are getting it ready.",
  processing: "We are packing it.",
  shipped: "It is on its way.",
  delivered: "It was delivered.",
  returned: "It came back to us.",
  cancelled: "It is cancelled.",
  expired: "It has expired, since no payment came in time.",
  rejected: "It could not be placed: there was not enough stock.",
};
