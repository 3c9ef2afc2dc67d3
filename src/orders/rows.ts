import type { Customer, Order, OrderItem, ShippingAddress } from "./order.ts";

/** An order and its items in one row, for `SELECT ${ORDER_COLUMNS} FROM orders AS o`. */
export const ORDER_COLUMNS = `o.id, o.reference, o.claim_id, o.store_id, o.batch_id, o.cart_id, o.user_id,
  o.access_token_hash, o.status, o.payment_status, o.payment_method, o.priority, o.customer, o.shipping_address,
  o.currency, o.subtotal, o.shipping,
  o.tax, o.duty, o.total, o.total_items, o.notes, o.metadata, o.expires_at, o.version, o.stamp, o.created_at,
  o.updated_at,
  (SELECT json_group_array(json_object(
      'productId', i.product_id, 'sku', i.sku, 'title', i.title, 'quantity', i.quantity, 'unitPrice', i.unit_price,
      'allocations', json(i.allocations), 'available', i.available) ORDER BY i.line)
   FROM order_items AS i WHERE i.order_id = o.id) AS items`;

export interface OrderRow {
  id: string;
  reference: string;
  claim_id: string;
  store_id: string | null;
  batch_id: string | null;
  cart_id: string | null;
  user_id: string | null;
  access_token_hash: string | null;
  status: Order["status"];
  payment_status: Order["paymentStatus"];
  payment_method: Order["paymentMethod"];
  priority: Order["priority"];
  customer: string;
  shipping_address: string | null;
  currency: string;
  subtotal: number;
  shipping: number;
  tax: number;
  duty: number;
  total: number;
  total_items: number;
  notes: string | null;
  metadata: string | null;
  expires_at: number | null;
  version: number;
  /** The nonce of the batch that last moved it. */
  stamp: string;
  created_at: number;
  updated_at: number;
  items: string;
}

export function orderOf(row: OrderRow): Order {
  return {
    id: row.id,
    reference: row.reference,
    claimId: row.claim_id,
    storeId: row.store_id,
    batchId: row.batch_id,
    cartId: row.cart_id,
    userId: row.user_id,
    accessTokenHash: row.access_token_hash,
    status: row.status,
    paymentStatus: row.payment_status,
    paymentMethod: row.payment_method,
    priority: row.priority,
    customer: JSON.parse(row.customer) as Customer,
    shippingAddress:
      row.shipping_address === null ? null : (JSON.parse(row.shipping_address) as ShippingAddress),
    currency: row.currency,
    subtotal: row.subtotal,
    shipping: row.shipping,
    tax: row.tax,
    duty: row.duty,
    total: row.total,
    totalItems: row.total_items,
    notes: row.notes,
    metadata: row.metadata === null ? null : (JSON.parse(row.metadata) as Record<string, unknown>),
    expiresAt: row.expires_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    items: JSON.parse(row.items) as OrderItem[],
  };
}
