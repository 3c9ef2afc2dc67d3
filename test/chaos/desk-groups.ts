import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { draftOfCart } from "../../src/carts/checkout.ts";
import { takeGroup } from "../../src/orders/desk/group.ts";
import { placeAtDesk } from "../../src/orders/desk/place-at-desk.ts";
import { type Draft, draftOf } from "../../src/orders/place/draft.ts";
import type { PlaceOutcome } from "../../src/orders/place/outcome.ts";
import { placeOrders } from "../../src/orders/place/place.ts";
import { placeOrderSchema } from "../../src/orders/schemas.ts";
import { GUEST } from "../../src/platform/actor.ts";
import { sha256 } from "../../src/platform/ids.ts";
import type { GivenCart } from "../carts/shopping.ts";
import { testContext } from "../events/context.ts";
import { ADA } from "../support/shop.ts";
import { Boundary } from "./boundary.ts";
import { reserved } from "./carts.ts";
import type { Stage } from "./stage.ts";

/**
 * The desk ends anywhere, with a group of one, two and seven orders in its hands, or its calls fail or come late; and each
 * request goes on alone, while the desk perhaps does too. Nobody is left with an unknown outcome, none has two orders, and no
 * unit is sold twice or stuck.
 */

export const LONG = { timeout: 120_000 };
let keys = 0;
const freshKey = () => ({ scope: "guest", key: `a-guest-key-of-the-desk-${++keys}`, fingerprint: "f" });

const guest = (db: Cloudflare.Env, deferred: Promise<unknown>[]) =>
  testContext({
    actor: GUEST,
    generation: undefined,
    env: db,
    defer: (work) => void deferred.push(work),
  });

export async function draftOfTab(cart: GivenCart): Promise<Draft> {
  const owner = { userId: null, tokenHash: await sha256(cart.token ?? "") };
  const input = placeOrderSchema.omit({ items: true }).parse({ customer: ADA, payment_method: "card" });
  const request = { input, key: freshKey(), fingerprint: "f" };
  const draft = await draftOfCart(guest(env, []), cart.id, owner, request);
  if (!draft) throw new Error("there is no such cart");
  return draft;
}

/** A desk's groups of these drafts, placed at the same time until its end; then each request that heard nothing goes on alone. */
export async function place(boundary: Boundary, drafts: Draft[]): Promise<Map<Draft, PlaceOutcome["kind"]>> {
  const told = new Map<Draft, PlaceOutcome>();
  const deferred: Promise<unknown>[] = [];
  const waiting = drafts.map((draft) => ({ draft, bytes: 500 }));
  const groups: Draft[][] = [];
  while (waiting.length > 0) groups.push(takeGroup(waiting).map(({ draft }) => draft));
  const desk = Promise.all(
    groups.map((group) =>
      placeOrders(
        guest(boundary.watch(env), deferred),
        group,
        { admits: async () => true, together: false },
        told,
      ).catch(() => {}),
    ),
  ).then(() => Promise.all(deferred));
  desk.catch(() => {});
  await Promise.race([desk, boundary.still()]);
  const alone: Promise<unknown>[] = [];
  const kinds = await Promise.all(
    drafts.map(async (draft) => {
      const known = told.get(draft);
      if (known) return [draft, known.kind] as const;
      const { outcome } = await placeAtDesk(guest(new Boundary().watch(env), alone), draft, []);
      if (outcome.kind === "crowded") throw new Error("there is no desk that could be full");
      return [draft, outcome.kind] as const;
    }),
  );
  await Promise.all(alone);
  return new Map(kinds);
}

/** The statuses of the orders that a draft came to, by the names that its request drew. */
export async function livingOf({ operation, key }: Draft): Promise<number> {
  const row = await env.DB.prepare(
    `SELECT count(*) AS living FROM orders WHERE status NOT IN ('rejected', 'cancelled', 'expired') AND id IN (
       SELECT 'ord_' || operation FROM idempotency WHERE scope = ?1 AND key = ?2 UNION SELECT ?3)`,
  )
    .bind(key?.scope ?? null, key?.key ?? null, `ord_${operation}`)
    .first<{ living: number }>();
  return row?.living ?? 0;
}

const PLACED: PlaceOutcome["kind"][] = ["decided", "replayed"];

export async function mustBeWhole(stage: Stage, kinds: Map<Draft, PlaceOutcome["kind"]>, orders: number) {
  expect([...kinds.values()].filter((kind) => kind === "unknown")).toEqual([]);
  const living = await Promise.all(
    [...kinds].map(async ([draft, kind]) => (PLACED.includes(kind) ? await livingOf(draft) : 0)),
  );
  expect(Math.max(...living)).toBeLessThanOrEqual(1);
  const { results } = await env.DB.prepare(
    `SELECT DISTINCT o.id FROM orders AS o JOIN order_items AS i ON i.order_id = o.id
     WHERE i.product_id = ?1 AND o.status NOT IN ('rejected', 'cancelled', 'expired')`,
  )
    .bind(stage.productIds[0] ?? "")
    .all();
  expect(await reserved(stage)).toEqual([results.length, results.length]);
  expect(results.length).toBeLessThanOrEqual(orders);
}

export const orderOf = (stage: Stage, keyed: boolean, more: Record<string, unknown> = {}): Draft =>
  draftOf(guest(env, []), placeOrderSchema.parse(stage.order(more)), keyed ? freshKey() : null);
