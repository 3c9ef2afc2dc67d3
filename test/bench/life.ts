import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { atOnce } from "../../src/cli/at-once.ts";
import { ADDRESS_HEADER, nextAddress } from "./addresses.ts";
import { COUNTS_PATH, type Counts } from "./costs/counts.ts";

/** A shop whose orders are taken through their lives, started on `priced-worker.ts`. */
export interface LivingShop {
  url: string;
  db(): Promise<D1Database>;
  /** Of staff. */
  token(): Promise<string>;
}

/** What staff do with an order, one after the other. */
export const STEPS = ["processing", "shipped", "delivered"] as const;
export type Step = (typeof STEPS)[number];

const placedSchema = z.object({ id: z.string() });

/** Places orders, so many at the same time, each from an address of its own. @returns their ids, as they came */
export async function placeOrders(url: string, drafts: unknown[], limit: number): Promise<string[]> {
  const ids: string[] = [];
  await atOnce(limit, drafts, async (draft) => {
    const answer = await fetch(`${url}/api/v1/orders`, {
      method: "POST",
      headers: { "content-type": "application/json", [ADDRESS_HEADER]: nextAddress() },
      body: JSON.stringify(draft),
    });
    const text = await answer.text();
    if (answer.status !== 201) throw new Error(`not placed: ${answer.status} ${text}`);
    ids.push(placedSchema.parse(JSON.parse(text)).id);
  });
  return ids;
}

/** Takes each of these orders a step on, so many at the same time. */
export async function takeStep(shop: LivingShop, ids: string[], to: Step, limit: number): Promise<void> {
  const token = await shop.token();
  await atOnce(limit, ids, async (id) => {
    const answer = await fetch(`${shop.url}/api/v1/orders/${id}/transitions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ to }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`not ${to}: ${answer.status} ${text}`);
  });
}

/** What was counted since this was asked last. */
export async function takeCounts(url: string): Promise<Counts> {
  return (await (await fetch(url + COUNTS_PATH, { method: "DELETE" })).json()) as Counts;
}

/** Longer than anything waits for others behind an answer: an object for its next report, a queue for its batch. */
const QUIET_MS = 4_000;
const LOOK_MS = 250;

/** Waits until nothing is owed, and nothing more is counted. Throws when it does not come to be. */
export async function rest(shop: LivingShop, patienceMs = 600_000): Promise<void> {
  const db = await shop.db();
  const deadline = Date.now() + patienceMs;
  let known = "";
  let since = Date.now();
  while (Date.now() < deadline) {
    const counts = await (await fetch(shop.url + COUNTS_PATH)).text();
    const owed = await db
      .prepare("SELECT count(*) AS owed FROM work WHERE state = 'owed'")
      .first<number>("owed");
    if (counts !== known || owed !== 0) {
      known = counts;
      since = Date.now();
    }
    if (Date.now() - since >= QUIET_MS) return;
    await pause(LOOK_MS);
  }
  throw new Error("the shop does not come to rest");
}
