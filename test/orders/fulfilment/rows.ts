import { env } from "cloudflare:workers";

/** As a provider's word would: the order is paid, which is a version of it. */
export async function pay(id: string, status = "paid"): Promise<void> {
  await env.DB.prepare("UPDATE orders SET payment_status = ?2, version = version + 1 WHERE id = ?1")
    .bind(id, status)
    .run();
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
