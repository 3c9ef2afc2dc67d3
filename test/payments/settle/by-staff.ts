import { env } from "cloudflare:workers";
import type { Boundary } from "../../chaos/boundary.ts";
import { askUnder } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { type SignedIn, signIn } from "../../support/sign-in.ts";
import { QUIET, rows, type Till, tell } from "./till.ts";

/** What staff do about payment events, over HTTP; no bell rings. */
export class Desk {
  readonly staff: SignedIn;

  private constructor(staff: SignedIn) {
    this.staff = staff;
  }

  static async open(): Promise<Desk> {
    return new Desk(await signIn("staff"));
  }

  list = (query = "") => this.get(`/payments/events${query}`);

  get = (path: string) => askUnder(QUIET, "GET", path, undefined, this.staff.headers);

  match = (eventId: string, body: unknown, headers: Record<string, string> = {}) =>
    this.#post(eventId, "match", body, headers);

  retry = (eventId: string, headers: Record<string, string> = {}) =>
    this.#post(eventId, "retry", undefined, headers);

  giveBack = (eventId: string, body?: unknown, headers: Record<string, string> = {}) =>
    this.#post(eventId, "give-back", body, headers);

  #post(eventId: string, what: string, body: unknown, headers: Record<string, string>) {
    const path = `/payments/events/${eventId.includes("/") ? eventId : `standard/${eventId}`}/${what}`;
    return askUnder(QUIET, "POST", path, body, { ...this.staff.headers, ...headers });
  }
}

/** The letters to ADMIN_EMAIL that are owed, oldest first. */
export async function notices(): Promise<{ object_id: string; subject: string; lines: string[] }[]> {
  const owed = await rows<{ object_id: string; payload: string }>(
    `SELECT object_id, payload FROM work WHERE task = 'email' AND payload ->> 'template' = 'notice'
     ORDER BY created_at, id`,
  );
  return owed.map(({ object_id, payload }) => {
    const { subject, lines } = JSON.parse(payload) as { subject: string; lines: string[] };
    return { object_id, subject, lines };
  });
}

/** An event that no order has the reference of, after its last look. */
export async function givenUnmatched(
  till: Till,
  event: Parameters<typeof tell>[1] = {},
  boundary?: Boundary,
) {
  const told = await tell(null, { amount: 1999, ...event });
  await env.DB.prepare("UPDATE work SET attempts = 7 WHERE id = ?1").bind(told.workId).run();
  await till.work([told.workId], boundary);
  testClock.advance(1_000);
  return told;
}

/** An order that was told of a payment of something else: 5.00 of its 19.99. */
export async function givenFlagged(till: Till, event: Parameters<typeof tell>[1] = {}, more = {}) {
  const order = await till.order(more);
  const told = await tell(order, { amount: 500, ...event });
  await till.drain();
  testClock.advance(1_000);
  return { order, ...told };
}
