import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { firstStep } from "../../../src/orders/fulfilment/steps.ts";
import { isoTimestamp } from "../../../src/platform/clock.ts";
import { checkSettings } from "../../../src/platform/settings.ts";
import { Boundary, ENDINGS } from "../../chaos/boundary.ts";
import { testContext } from "../../events/context.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop } from "../../support/shop.ts";
import { askUnder, levels, read } from "../ask.ts";
import { eventsOf, owed, pay, refundsOf } from "./rows.ts";
import { Simulation } from "./simulation.ts";
import { staff } from "./staff.ts";

/** An order of two of five that is confirmed under simulated fulfilment. */
async function begun(simulation: Simulation, more: Record<string, unknown> = {}) {
  const { productIds } = await givenShop([[5]]);
  const [product = ""] = productIds;
  const placed = await askUnder(simulation.settings, "POST", "/orders", basket({ [product]: 2 }, more));
  expect(placed.status).toBe(201);
  const member = await staff();
  const status = async () => (await member.page(placed.body.id)).body.status;
  return { ...member, id: placed.body.id as string, product, status };
}

/** So many of its units are paid and refunded by name, before they leave. */
async function refund({ settings }: Simulation, { id, product, headers }: Begun, quantity: number) {
  await pay(id);
  const items = [{ product_id: product, quantity }];
  const made = await askUnder(settings, "POST", `/payments/pay_of_${id}/refund`, { items }, headers);
  expect(made.status).toBe(201);
}

type Begun = Pick<Awaited<ReturnType<typeof begun>>, "id" | "product" | "headers">;

const openSteps = () =>
  env.DB.prepare("SELECT id FROM work WHERE task = 'fulfilment-step' AND state = 'owed'")
    .all<{ id: string }>()
    .then(({ results }) => results.map(({ id }) => id));

describe("a simulated life", () => {
  test("goes by its bells from confirmed to delivered, a step at a time", async () => {
    const simulation = new Simulation();
    const { id, product, status, history, page } = await begun(simulation);
    expect(simulation.bells.map(({ delaySeconds }) => delaySeconds)).toEqual([5]);
    for (const next of ["processing", "shipped", "delivered"]) {
      testClock.advance(4_999);
      expect(await simulation.deliver()).toBe(0);
      testClock.advance(1);
      expect(await simulation.deliver()).toBe(1);
      expect(await status()).toBe(next);
    }
    expect(simulation.bells).toEqual([]);
    expect(await openSteps()).toEqual([]);
    expect(await levels(product)).toMatchObject({ on_hand: 3, reserved: 0 });
    expect((await page(id)).body).toMatchObject({
      version: 4,
      shipments: [{ items: [{ product_id: product, quantity: 2 }] }],
    });
    const lines = await history(id);
    expect(lines.map(({ to }: { to: string }) => to)).toEqual([
      "confirmed",
      "processing",
      "shipped",
      "delivered",
    ]);
    for (const line of lines.slice(1)) {
      expect(line).toMatchObject({ actor: "system:queue-orders", reason: "simulated" });
    }
    expect((await eventsOf(id)).map(({ type }) => type)).toEqual([
      "order.placed",
      "order.processing",
      "order.shipped",
      "order.delivered",
    ]);
  });

  test("owes each step from when it came to be owed, not from when it is due", async () => {
    const simulation = new Simulation();
    const placedAt = testClock.now();
    const { headers } = await begun(simulation);
    const steps = async (path: string) => (await read(`${path}?task=fulfilment-step`, headers)).body.results;
    expect(await steps("/tasks")).toMatchObject([
      { created_at: isoTimestamp(placedAt), not_before: isoTimestamp(placedAt + 5_000), started_at: null },
    ]);
    testClock.advance(60_000);
    await simulation.deliver();
    expect(await steps("/tasks")).toMatchObject([
      { created_at: isoTimestamp(placedAt + 60_000), not_before: isoTimestamp(placedAt + 65_000) },
      { created_at: isoTimestamp(placedAt), state: "done" },
    ]);
    await env.DB.prepare("UPDATE work SET state = 'dead', finished_at = ?1 WHERE state = 'owed'")
      .bind(testClock.now() + 9_000)
      .run();
    const [letter] = await steps("/dead-letters");
    expect([letter.first_at, letter.last_at]).toEqual([
      isoTimestamp(placedAt + 60_000),
      isoTimestamp(placedAt + 69_000),
    ]);
  });

  test("goes by the sweeps where every bell is lost", async () => {
    const simulation = new Simulation();
    const { status, product } = await begun(simulation);
    for (const next of ["processing", "shipped", "delivered"]) {
      simulation.bells = [];
      testClock.advance(60_000);
      await simulation.sweep();
      expect(await status()).toBe(next);
    }
    expect(await levels(product)).toMatchObject({ on_hand: 3, reserved: 0 });
  });

  test.each([
    ["high", 2_500, 3],
    ["normal", 5_000, 5],
    ["low", 10_000, 10],
  ])("of %s priority takes %i ms a step", async (priority, wait, delay) => {
    const simulation = new Simulation();
    const { status } = await begun(simulation, { priority });
    expect(simulation.bells).toMatchObject([{ delaySeconds: delay }]);
    testClock.advance(wait - 1);
    await simulation.deliver(simulation.env, { early: true });
    expect(await status()).toBe("confirmed");
    testClock.advance(1);
    await simulation.wakeUp(await openSteps());
    expect(await status()).toBe("processing");
  });

  test("rings no further ahead than a queue can wait", async () => {
    const simulation = new Simulation({ FULFILMENT_STEP_SECONDS: "100000" });
    const { status } = await begun(simulation);
    expect(simulation.bells).toMatchObject([{ delaySeconds: 43_200 }]);
    testClock.advance(43_200_000);
    await simulation.deliver();
    expect(await status()).toBe("confirmed");
    testClock.advance(100_000_000);
    await simulation.sweep();
    expect(await status()).toBe("processing");
  });

  test("waits for its payment first", async () => {
    const simulation = new Simulation();
    const { status } = await begun(simulation, { payment_method: "card" });
    expect(simulation.bells).toEqual([]);
    expect(await owed("fulfilment-step")).toEqual([]);
    expect(await status()).toBe("pending");
  });

  test("is not for what was cancelled on the way", async () => {
    const simulation = new Simulation();
    const { id, act, status, product } = await begun(simulation);
    await act(id, "cancel");
    testClock.advance(5_000);
    await simulation.deliver();
    expect(await status()).toBe("cancelled");
    expect(await openSteps()).toEqual([]);
    expect(await levels(product)).toMatchObject({ on_hand: 5, reserved: 0 });
  });

  test("goes on after a person's step in between", async () => {
    const simulation = new Simulation();
    const { id, product, headers, status, way } = await begun(simulation);
    const act = (action: string, body: unknown) =>
      askUnder(simulation.settings, "POST", `/orders/${id}/${action}`, body, headers);
    await act("shipments", { items: [{ product_id: product, quantity: 1 }] });
    expect(await owed("fulfilment-step")).toMatchObject([{ from: "confirmed" }, { from: "processing" }]);
    testClock.advance(5_000);
    await simulation.deliver();
    expect(await status()).toBe("shipped");
    await act("transitions", { to: "delivered" });
    testClock.advance(5_000);
    await simulation.deliver();
    expect(await openSteps()).toEqual([]);
    expect(await way(id)).toEqual(["confirmed", "processing", "shipped", "delivered"]);
    expect(await levels(product)).toMatchObject({ on_hand: 3, reserved: 0 });
  });

  test("ships what was not refunded, and closes the rest", async () => {
    const simulation = new Simulation();
    const order = await begun(simulation);
    const { id, product, page, history } = order;
    await refund(simulation, order, 1);
    for (let steps = 0; steps < 3; steps++) {
      testClock.advance(5_000);
      await simulation.deliver();
    }
    const lines = await history(id);
    expect(lines.map(({ kind, to }: { kind: string; to: string }) => `${kind}: ${to}`)).toEqual([
      "refund: confirmed",
      "transition: processing",
      "shipment: processing",
      "close: shipped",
      "transition: delivered",
    ]);
    const { body } = await page(id);
    expect(body).toMatchObject({ shipments: [{ items: [{ product_id: product, quantity: 1 }] }] });
    expect(body.totals).toMatchObject({ refunded: { amount: "19.99" }, kept: { amount: "19.99" } });
    expect((await eventsOf(id)).map(({ type }) => type)).toEqual(
      expect.arrayContaining(["order.shipment", "order.closed", "order.delivered"]),
    );
    expect(await refundsOf(id)).toHaveLength(1);
    expect(await levels(product)).toMatchObject({ on_hand: 4, reserved: 0 });
  });

  test("closes what is left where all of that was refunded", async () => {
    const simulation = new Simulation();
    const order = await begun(simulation);
    const { id, product, headers, status } = order;
    const one = { items: [{ product_id: product, quantity: 1 }] };
    await askUnder(simulation.settings, "POST", `/orders/${id}/shipments`, one, headers);
    await refund(simulation, order, 1);
    testClock.advance(5_000);
    await simulation.deliver();
    expect(await status()).toBe("shipped");
    expect(await refundsOf(id)).toHaveLength(1);
    expect(await levels(product)).toMatchObject({ on_hand: 4, reserved: 0 });
  });

  test("leaves an order to a person of which nothing has left and all was refunded", async () => {
    const simulation = new Simulation();
    const order = await begun(simulation);
    await refund(simulation, order, 2);
    for (let steps = 0; steps < 3; steps++) {
      testClock.advance(5_000);
      await simulation.deliver();
    }
    expect(await order.status()).toBe("processing");
    expect(await openSteps()).toEqual([]);
    expect(await levels(order.product)).toMatchObject({ on_hand: 5, reserved: 2 });
  });

  test("stops where fulfilment is by hand since", async () => {
    const simulation = new Simulation();
    const { status } = await begun(simulation);
    testClock.advance(5_000);
    await simulation.deliver({ ...simulation.env, FULFILMENT: "manual" } as Cloudflare.Env);
    expect(await status()).toBe("confirmed");
    expect(await openSteps()).toEqual([]);
  });

  test("takes each step once, however often, early and late its bells come", async () => {
    const simulation = new Simulation();
    const { id, way, product } = await begun(simulation);
    for (let rounds = 0; rounds < 6; rounds++) {
      const { results } = await env.DB.prepare("SELECT id FROM work").all<{ id: string }>();
      const all = results.map(({ id }) => id).reverse();
      await Promise.all([simulation.wakeUp([...all, ...all]), simulation.wakeUp(all)]);
      testClock.advance(2_500);
    }
    testClock.advance(60_000);
    for (let rounds = 0; rounds < 3; rounds++) {
      await simulation.sweep();
      testClock.advance(60_000);
    }
    expect(await way(id)).toEqual(["confirmed", "processing", "shipped", "delivered"]);
    expect(await levels(product)).toMatchObject({ on_hand: 3, reserved: 0 });
  });
});

describe("who takes a step", () => {
  const LIVES: [what: string, refunded: number][] = [
    ["all that was ordered", 0],
    ["what was not refunded", 1],
  ];

  test.each(LIVES)(
    "ships %s and may die anywhere: it is taken once, and the life goes on",
    {
      timeout: 240_000,
    },
    async (_, refunded) => {
      const rehearsal = new Boundary();
      await live(new Map([["nobody dies", rehearsal]]), refunded);
      expect(rehearsal.calls).toContain("Stock.followAndCarry");
      const dying = new Map<string, Boundary>();
      for (const [at, call] of rehearsal.calls.entries()) {
        for (const ending of ENDINGS) {
          dying.set(`worker ${ending} at ${call} (call ${at})`, new Boundary({ at, ending }));
        }
      }
      await live(dying, refunded);
      for (const boundary of dying.values()) boundary.bury();
    },
  );

  /**
   * One life under each boundary, all in the same minutes. The step that ships is taken by a worker that may die; sweeps
   * do the rest.
   * @param refunded units of each order, before it ships
   */
  async function live(boundaries: Map<string, Boundary>, refunded: number): Promise<void> {
    const lives: (Awaited<ReturnType<typeof begun>> & { simulation: Simulation; what: string })[] = [];
    for (const what of boundaries.keys()) {
      const simulation = new Simulation();
      lives.push({ ...(await begun(simulation)), simulation, what });
    }
    testClock.advance(5_000);
    for (const { simulation } of lives) await simulation.deliver();
    for (const life of refunded > 0 ? lives : []) await refund(life.simulation, life, refunded);
    testClock.advance(5_000);
    for (const { simulation, what } of lives) {
      const boundary = boundaries.get(what) ?? new Boundary();
      const taken = simulation.deliver(boundary.watch(simulation.env));
      await Promise.race([taken.catch(() => {}), boundary.still()]);
    }
    // The shop's sweep is everybody's.
    const shop = new Simulation();
    for (let minutes = 0; minutes < 5; minutes++) {
      testClock.advance(61_000);
      await shop.sweep();
    }
    for (const { id, way, product, page, what } of lives) {
      const more = refunded > 0 ? ["processing", "processing"] : [];
      expect(await way(id), what).toEqual(["confirmed", "processing", ...more, "shipped", "delivered"]);
      expect((await page(id)).body.shipments, what).toHaveLength(1);
      expect(await levels(product), what).toMatchObject({ on_hand: 3 + refunded, reserved: 0 });
      expect(await refundsOf(id), what).toHaveLength(refunded);
    }
    expect(await openSteps()).toEqual([]);
  }
});

describe("what is owed when an order is confirmed", () => {
  const order = { id: "ord_1", priority: "normal" as const };

  test("is nothing by hand", () => {
    expect(firstStep(testContext(), order)).toEqual([]);
  });

  test("is the first step when simulated", () => {
    const read = checkSettings({ ...env, FULFILMENT: "simulated", FULFILMENT_STEP_SECONDS: "0.5" });
    if (read.kind === "misconfigured") throw new Error("the test's settings are wrong");
    expect(firstStep(testContext({ settings: read.settings }), order)).toMatchObject([
      {
        task: "fulfilment-step",
        object_id: "ord_1",
        payload: { order_id: "ord_1", from: "confirmed", to: "processing" },
        not_before: testClock.now() + 500,
      },
    ]);
  });
});
