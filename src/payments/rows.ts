/** A `Payment` as drizzle names its fields, for SQL over `payments AS p`. */
export const PAYMENT_COLUMNS = `p.id, p.order_id AS orderId, p.provider, p.provider_id AS providerId, p.status, p.amount,
  p.currency, p.captured, p.refunded, p.client_secret AS clientSecret, p.stamp, p.created_at AS createdAt,
  p.updated_at AS updatedAt`;
