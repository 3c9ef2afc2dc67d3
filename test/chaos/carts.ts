import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { BUYER, checkout, type GivenCart, givenCart, ordersOf, read } from "../carts/shopping.ts";
import { placed, post } from "../support/shop.ts";
import type { Aftermath } from "./at-every-call.ts";
import type { Boundary } from "./boundary.ts";
import { outcomeOf, Stage, send } from "./stage.ts";

export const LONG = { timeout: 120_000 };
let keys = 0;
export const freshKey = () => ({ "Idempotency-Key": `a-guest-key-of-a-checkout-${++keys}` });

/** A shop with units for two orders of a cart, and a guest's cart with one of each product. */
export async function givenStage(
  units: [number, number] = [2, 2],
): Promise<{ stage: Stage; cart: GivenCart }> {
  const stage = await Stage.build(units);
  return { stage, cart: await givenCart(Object.fromEntries(stage.productIds.map((id) => [id, 1]))) };
}

/** A checkout whose every call crosses the boundary. */
export const click = (
  boundary: Boundary,
  cart: GivenCart,
  more: Record<string, string> = {},
  body: unknown = BUYER,
) => send(boundary, `${cart.path}/checkout`, body, { ...cart.headers, ...more });

export const reserved = (stage: Stage): Promise<number[]> =>
  Promise.all(stage.productIds.map(async (id) => (await stockOf(env, id).levels()).reserved));

/** One order lives, and the cart says which. */
export async function mustBeSpentOnce(stage: Stage, cart: GivenCart): Promise<string> {
  const statuses = await ordersOf(cart.id);
  expect(statuses.filter((status) => status === "confirmed")).toHaveLength(1);
  expect(await reserved(stage)).toEqual([1, 1]);
  return (await read(cart)).body.order.id;
}

/** A checkout that ends somewhere, and comes again at once, is one order. */
export async function mustBeOneOrder(boundary: Boundary, key: Record<string, string>): Promise<Aftermath> {
  const { stage, cart } = await givenStage();
  await outcomeOf(click(boundary, cart, key), boundary);
  await stage.mustHold();
  const again = await placed(await post(`${cart.path}/checkout`, BUYER, { ...cart.headers, ...key }));
  await boundary.deliver();
  await stage.mustHold();
  const afterwards = async () => {
    expect(await mustBeSpentOnce(stage, cart)).toBe(again.id);
    expect((await checkout(cart, BUYER, key)).body.id).toBe(again.id);
  };
  return { stage, afterwards };
}

/** What a checkout of two products calls. */
export const CALLS = [
  "D1.first",
  "D1.batch",
  "Stock.reserve",
  "Stock.reserve",
  "D1.batch",
  "notifications.sendBatch",
];
