import { expect, test } from "vitest";
import {
  BUYER,
  BY_CARD,
  checkout,
  type GivenCart,
  givenCart,
  ordersOf,
  putItem,
  rows,
} from "../../carts/shopping.ts";
import { HISTORY } from "../../orders/history-rows.ts";
import { tell } from "../../payments/settle/till.ts";
import { chance } from "../../support/chance.ts";
import { testClock } from "../../support/clock.ts";
import { signIn } from "../../support/sign-in.ts";
import { Boundary, ENDINGS, type Ending } from "../boundary.ts";
import { click } from "../carts.ts";
import { Stage, send, sweep, wakeObject } from "../stage.ts";

/**
 * Schedules that nobody thought of, round one cart: its tabs order it under keys and without, change it and cancel,
 * all at once; orders expire and are paid late, and each worker ends somehow, somewhere, or stalls and goes on when the world has
 * moved. That one living order at most names a cart is asked at every step.
 */
const SEEDS = 16;
const STEPS = 30;
const HOUR = 3_600_000;
const TOLD = [
  ...["placed", "cart_spent", "cart_changed", "insufficient_stock"],
  ...["idempotency_key_reused", "try_again", "unavailable", "internal_error"],
];

test.each(Array.from({ length: SEEDS }, (_, seed) => ({ seed })))(
  "schedule $seed",
  { timeout: 60_000 },
  async ({ seed }) => {
    const { below, pick } = chance(seed);
    const stage = await Stage.build(seed % 3 === 0 ? [2, 2] : [9, 9]);
    const cart = await givenCart(Object.fromEntries(stage.productIds.map((id) => [id, 1])));
    const boundaries: Boundary[] = [];
    const under = (endings: (Ending | null)[], calls: number, where = {}): Boundary => {
      const ending = pick(endings);
      const boundary = new Boundary(ending && { at: below(calls), ending }, where);
      boundaries.push(boundary);
      return boundary;
    };
    const keys = [
      {},
      {},
      ...[1, 2, 3].map((tab) => ({ "Idempotency-Key": `a-guest-key-of-tab-${tab}-in-${seed}` })),
    ];
    const told: string[] = [];
    const staff = await signIn("staff");
    /** Half of them stall where they know of the cart, and have not ordered it yet. */
    const stalled = (): Boundary => {
      const boundary = new Boundary({ at: 1 + below(4), ending: "stalls" });
      boundaries.push(boundary);
      return boundary;
    };
    const order = () => {
      const boundary = below(2) === 0 ? stalled() : under([null, null, ...ENDINGS], 6);
      const body = { ...pick([BUYER, BUYER, BY_CARD]), notes: pick(["a", "b", "c", "d"]) };
      const sent = click(boundary, cart, pick(keys), body);
      sent.answer
        .then(async (response) => told.push((await response.json<{ code?: string }>()).code ?? "placed"))
        .catch(() => {});
    };
    const change = () => putItem(cart, pick(stage.productIds), 1 + below(2));
    const cancel = async () => {
      const [living] = await livingOrders(cart);
      if (living) send(under(["stalls", null, ...ENDINGS], 6), `/orders/${living}/cancel`, {}, staff.headers);
    };
    const pay = async () => {
      const orders = await rows<{ id: string; reference: string }>(
        `SELECT id, reference FROM orders WHERE cart_id = ?1 AND payment_method = 'card' AND status <> 'rejected'`,
        cart.id,
      );
      if (orders.length > 0) await tell(pick(orders));
    };
    const wake = () => {
      for (const boundary of boundaries) if (below(3) === 0) boundary.wake();
    };
    const alarm = async () => {
      testClock.advance(HOUR + 60_000);
      await wakeObject(pick(stage.productIds), under([null, ...ENDINGS], 4, { inObject: true }));
    };
    const acts = [
      order,
      order,
      order,
      order,
      order,
      change,
      change,
      change,
      cancel,
      cancel,
      pay,
      wake,
      wake,
      alarm,
      () => sweep(),
    ];

    for (let step = 0; step < STEPS; step++) {
      await pick(acts)();
      if (below(2) === 0) await aMoment(below(12));
      await stage.mustHold();
      expect(await unlikeTheirCart(cart)).toEqual([]);
    }
    for (const boundary of boundaries) boundary.wake();
    await aMoment(200);
    await stage.mustHold();
    // A planted failure is none that anybody knows: it is told as such.
    for (const code of told) expect(TOLD).toContain(code);
    for (const boundary of boundaries) boundary.bury();
    await stage.settle();

    // Whatever it went through, it can be ordered, or is.
    const [living] = await livingOrders(cart);
    const last = await checkout(cart, { ...BUYER, notes: "the last" });
    if (living)
      expect(last).toMatchObject({ status: 409, body: { code: "cart_spent", order: { id: living } } });
    else expect([201, 409]).toContain(last.status);
    if (last.status === 409 && !living) expect(last.body.code).toBe("insufficient_stock");
    expect((await ordersOf(cart.id)).length).toBeGreaterThan(0);
    await stage.settle();
  },
);

const livingOrders = async (cart: GivenCart): Promise<string[]> =>
  (
    await rows<{ id: string }>(
      "SELECT id FROM orders WHERE cart_id = ?1 AND status NOT IN ('rejected', 'cancelled', 'expired')",
      cart.id,
    )
  ).map(({ id }) => id);

/** Nobody changes a cart while it is spent: it has what its order has, unless that was dead in between. */
const unlikeTheirCart = (cart: GivenCart) =>
  rows(
    `SELECT o.id, i.product_id, i.quantity, l.quantity AS ordered
     FROM orders AS o JOIN cart_items AS i ON i.cart_id = o.cart_id
     LEFT JOIN order_items AS l ON l.order_id = o.id AND l.product_id = i.product_id
     WHERE o.cart_id = ?1 AND o.status NOT IN ('rejected', 'cancelled', 'expired') AND l.quantity IS NOT i.quantity
       AND NOT EXISTS (SELECT 1 FROM ${HISTORY} AS h WHERE h.order_id = o.id AND h.to_status = 'expired')`,
    cart.id,
  );

const aMoment = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
