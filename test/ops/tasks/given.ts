import { env, exports } from "cloudflare:workers";
import type { NewTask } from "../../../src/events/append.ts";
import { owe } from "../../events/rows.ts";
import { testClock } from "../../support/clock.ts";
import { type SignedIn, signIn } from "../../support/sign-in.ts";

/** Work that died at the test's present hour after eight attempts. Its mail is of an order that is gone: a no-op. */
export async function givenDead(...work: (Partial<NewTask> & { id: string })[]): Promise<void> {
  const payload = { template: "order_confirmation", order_id: "ord_gone" };
  await owe(...work.map((row) => ({ task: "email" as const, payload, ...row })));
  await env.DB.batch(
    work.map(({ id }) =>
      env.DB.prepare(
        `UPDATE work SET state = 'dead', attempts = 8, error = 'refused', lease = 'old', started_at = ?2,
                         finished_at = ?2 WHERE id = ?1`,
      ).bind(id, testClock.now()),
    ),
  );
}

/** A message that no consumer could read, as the dead-letter queue's consumer keeps it. */
export async function givenUndelivered(id: string): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, error, created_at, finished_at)
     VALUES (?1, 'undelivered', 'dead-letters', '{"body":"?"}', 'dead', ?2, 6, 'no consumer took it', ?2, ?2)`,
  )
    .bind(id, testClock.now())
    .run();
}

export type Call = (path: string, method?: string) => Promise<Response>;

/** The API as somebody of that role. */
export async function as(role: "admin" | "staff" | "customer"): Promise<{ call: Call; user: SignedIn }> {
  const user = await signIn(role);
  const call: Call = (path, method = "GET") =>
    exports.default.fetch(`http://shop.test/api/v1${path}`, { method, headers: user.headers });
  return { call, user };
}

/** Status and code of a problem; of a success the whole body. */
export async function answerOf(response: Response): Promise<unknown> {
  if (response.status === 204) return 204;
  const body = await response.json<{ code?: string }>();
  return body.code === undefined ? body : `${response.status} ${body.code}`;
}

/** What the log says of tasks, in order. */
export async function taskEvents() {
  const { results } = await env.DB.prepare(
    "SELECT type, object_id, object_version, data FROM events WHERE object_type = 'task' ORDER BY seq",
  ).all<{ type: string; object_id: string; object_version: number; data: string }>();
  return results.map(({ data, ...event }) => ({ ...event, data: JSON.parse(data) }));
}
