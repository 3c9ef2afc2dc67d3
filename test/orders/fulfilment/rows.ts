import { env } from "cloudflare:workers";

/**
 * As a provider's word would: the order is paid, which is a version of it. Where that status says that somebody has paid, one
 * payment has captured its total, of which `refunded` went back for no unit that was named.
 */
export async function pay(id: string, status = "paid", refunded = 0): Promise<void> {
  const captured = ["paid", "partially_refunded", "refund_due", "refunded"].includes(status);
  const set = env.DB.prepare("UPDATE orders SET payment_status = ?2, version = version + 1 WHERE id = ?1");
  const take = env.DB.prepare(
    `INSERT INTO payments (id, order_id, provider, status, amount, currency, captured, refunded, stamp, created_at, updated_at)
     SELECT 'pay_of_' || id, id, 'standard', 'succeeded', total, currency, total, iif(?2 = 'refunded', total, ?3), 's', 1, 1
     FROM orders WHERE id = ?1`,
  );
  await env.DB.batch([set.bind(id, status), ...(captured ? [take.bind(id, status, refunded)] : [])]);
}

/** The refunds of an order, in the order in which they were promised. */
export async function refundsOf(id: string): Promise<Record<string, unknown>[]> {
  const { results } = await env.DB.prepare(
    "SELECT id, amount, state, reason, items FROM refunds WHERE order_id = ?1 ORDER BY created_at, id",
  )
    .bind(id)
    .all<Record<string, unknown>>();
  return results;
}

/** What is owed of one task, in the order in which it was written. */
export async function owed<P = Record<string, unknown>>(task: string): Promise<P[]> {
  const { results } = await env.DB.prepare("SELECT payload FROM work WHERE task = ?1 ORDER BY id")
    .bind(task)
    .all<{ payload: string }>();
  return results.map(({ payload }) => JSON.parse(payload) as P);
}

export async function eventsOf(id: string): Promise<{ type: string; data: Record<string, unknown> }[]> {
  const { results } = await env.DB.prepare("SELECT type, data FROM events WHERE object_id = ?1 ORDER BY seq")
    .bind(id)
    .all<{ type: string; data: string }>();
  return results.map(({ type, data }) => ({ type, data: JSON.parse(data) }));
}
