import type { OrderStatus, PaymentMethod, PaymentStatus, Priority } from "./lifecycle.ts";

/** Where units of one item are held, and how many of them have left. */
export interface OrderAllocation {
  store_id: string;
  quantity: number;
  shipped: number;
}

export interface OrderItem {
  productId: string;
  sku: string;
  title: string;
  quantity: number;
  /** Minor units of the order's currency. */
  unitPrice: number;
  allocations: OrderAllocation[];
  /** For a rejected order: what was free when this item fell short; null when it did not. */
  available: number | null;
}

export interface Customer {
  name: string;
  email: string;
  phone?: string | undefined;
}

export interface ShippingAddress {
  name: string;
  line1: string;
  line2?: string | undefined;
  city: string;
  region?: string | undefined;
  postal_code?: string | undefined;
  country: string;
}

/** An order as D1 has it. Money is in minor units of `currency`, times in milliseconds. */
export interface Order {
  id: string;
  reference: string;
  claimId: string;
  /** The store that the buyer named: nothing may come from another. */
  storeId: string | null;
  /** The bulk that it was placed in. */
  batchId: string | null;
  /** The cart that it was checked out from. */
  cartId: string | null;
  userId: string | null;
  accessTokenHash: string | null;
  status: OrderStatus;
  paymentStatus: PaymentStatus;
  paymentMethod: PaymentMethod;
  priority: Priority;
  customer: Customer;
  shippingAddress: ShippingAddress | null;
  currency: string;
  subtotal: number;
  shipping: number;
  tax: number;
  duty: number;
  total: number;
  /** What its payments captured, and what of that is due to go back, on its way, or back. */
  captured: number;
  refunded: number;
  /** Units for which a refund was promised by name, by product. */
  refundedUnits: Record<string, number>;
  totalItems: number;
  notes: string | null;
  metadata: Record<string, unknown> | null;
  expiresAt: number | null;
  version: number;
  /** Of the commit that moved it last. A version alone could mean something else in the history before a restore. */
  stamp: string;
  /** Who placed it; null for an order from before this was kept here. */
  placedBy: string | null;
  createdAt: number;
  updatedAt: number;
  items: OrderItem[];
}
