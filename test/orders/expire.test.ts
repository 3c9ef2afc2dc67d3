import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { readOrder } from "../../src/orders/read/find.ts";
import { expireOrders } from "../../src/orders/steps/expire.ts";
import { isoTimestamp } from "../../src/platform/clock.ts";
import { sweep } from "../chaos/stage.ts";
import { testContext } from "../events/context.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { cancel, levels, order, read, tokenOf } from "./ask.ts";

const MINUTE = 60_000;

/** A card's order of two of nine, and its product. */
async function givenWaiting(payment_method = "card") {
  const { productIds } = await givenShop([[9]]);
  const [product = ""] = productIds;
  const placed = await order(basket({ [product]: 2 }, { payment_method }));
  const now = async () => (await read(`/orders/${placed.body.id}`, tokenOf(placed))).body;
  return { product, placed, now };
}

async function ledger(productId: string): Promise<string[]> {
  const { movements } = await stockOf(env, productId).movements(null, 100);
  return movements.map(({ type }) => type).reverse();
}

test("an order expires at its deadline, not a second before, once, and its stock comes back once", async () => {
  const { product, placed, now } = await givenWaiting();
  testClock.advance(30 * MINUTE - 1_000);
  await sweep();
  expect(await now()).toMatchObject({ status: "pending", version: 1 });

  testClock.advance(1_000);
  await sweep();
  expect(await now()).toMatchObject({
    status: "expired",
    version: 2,
    expires_at: isoTimestamp(testClock.now()),
    updated_at: isoTimestamp(testClock.now()),
  });
  await expect.poll(() => levels(product), { timeout: 5_000 }).toMatchObject({ on_hand: 9, reserved: 0 });

  testClock.advance(10 * MINUTE);
  await Promise.all([sweep(), sweep(), sweep()]);
  expect(await now()).toMatchObject({ status: "expired", version: 2 });
  expect(await ledger(product)).toEqual(["opening", "reserve", "release"]);
  const history = await read(`/orders/${placed.body.id}/history`, tokenOf(placed));
  expect(history.body.results).toMatchObject([
    { version: 1, from: null, to: "pending", actor: "you", reason: null },
    {
      version: 2,
      from: "pending",
      to: "expired",
      actor: "system",
      reason: "neither paid nor approved before the deadline",
    },
  ]);
});

test("who takes an order for due too early, expires nothing", async () => {
  const { placed, now } = await givenWaiting();
  const order = await readOrder(testContext(), placed.body.id);
  if (!order) throw new Error("no order");
  expect(order.status).toBe("pending");
  const due = [order];
  testClock.advance(30 * MINUTE - 1);
  expect(await expireOrders(testContext(), due)).toBe(0);
  expect(await now()).toMatchObject({ status: "pending", version: 1 });
  testClock.advance(1);
  expect(await expireOrders(testContext(), due)).toBe(1);
});

test("what is confirmed never expires", async () => {
  const { product, now } = await givenWaiting("invoice");
  testClock.advance(365 * 24 * 60 * MINUTE);
  await sweep();
  expect(await now()).toMatchObject({ status: "confirmed", version: 1, expires_at: null });
  expect(await levels(product)).toMatchObject({ reserved: 2 });
});

test("each goes at its own time", async () => {
  const early = await givenWaiting();
  testClock.advance(20 * MINUTE);
  const late = await givenWaiting();
  testClock.advance(15 * MINUTE);
  await sweep();
  expect((await early.now()).status).toBe("expired");
  expect((await late.now()).status).toBe("pending");
});

test("the hold's own alarm expires it where no sweep comes", async () => {
  const { product, now } = await givenWaiting();
  testClock.advance(61 * MINUTE);
  await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(product)));
  expect(await now()).toMatchObject({ status: "expired", version: 2 });
  expect(await levels(product)).toMatchObject({ reserved: 0 });
});

test("of a cancel and the deadline exactly one wins", async () => {
  for (let round = 0; round < 6; round++) {
    const { product, placed, now } = await givenWaiting();
    testClock.advance(31 * MINUTE);
    const sweeping = round % 2 === 0 ? sweep() : null;
    const [answer] = await Promise.all([cancel(placed.body.id, tokenOf(placed)), sweeping ?? sweep()]);

    const after = await now();
    expect(after.version).toBe(2);
    if (answer.status === 200) expect(after.status).toBe("cancelled");
    else expect([answer.status, answer.body.order_status, after.status]).toEqual([409, "expired", "expired"]);
    await expect.poll(() => levels(product), { timeout: 5_000 }).toMatchObject({ on_hand: 9, reserved: 0 });
    expect(await ledger(product)).toEqual(["opening", "reserve", "release"]);
  }
});
