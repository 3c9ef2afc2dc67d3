import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { placed, post } from "../support/shop.ts";
import { Boundary } from "./boundary.ts";
import { outcomeOf, Stage, send } from "./stage.ts";

describe("a record that arrives after its own worker gave it up", () => {
  test("without a key: writes no order", async () => {
    const stage = await Stage.build([1, 1]);
    const late = new Boundary({ at: 6, ending: "comes late" });
    const answer = await outcomeOf(send(late, "/orders", stage.order()), late);
    // Without a desk the claim that it may have placed is given up first, which is three calls.
    expect(late.calls.slice(3, 7)).toEqual(["D1.batch", "Stock.reserve", "Stock.reserve", "D1.batch"]);
    expect(answer?.status).toBe(503);
    await placed(await post("/orders", stage.order()));
    await late.deliver();
    await stage.mustHold();
    await stage.settle();
  });

  test("with a key: one order", async () => {
    const stage = await Stage.build([2, 2]);
    const late = new Boundary({ at: 3, ending: "comes late" });
    const key = { "Idempotency-Key": "a-guest-key-of-this-test" };
    const answer = await outcomeOf(send(late, "/orders", stage.order(), key), late);
    expect(answer?.status).toBe(201);
    const first = await answer?.json<{ id: string }>();
    await late.deliver();
    const again = await (await post("/orders", stage.order(), key)).json<{ id: string }>();
    const count = await env.DB.prepare("SELECT count(*) AS n FROM orders").first<{ n: number }>();
    expect({ n: count?.n, again: again.id }).toEqual({ n: 1, again: first?.id });
    await stage.settle();
    expect(await stockOf(env, stage.productIds[0] ?? "").levels()).toMatchObject({ reserved: 1 });
  });
});

/** Stalls before the call; once woken, the call has its effect and the worker is dead. */
class StallsThenDies extends Boundary {
  readonly #at: number;
  #over = false;
  #go: () => void = () => {};
  readonly #gone = new Promise<void>((resolve) => {
    this.#go = resolve;
  });
  #met: () => void = () => {};
  readonly met = new Promise<void>((resolve) => {
    this.#met = resolve;
  });
  #done: () => void = () => {};
  readonly done = new Promise<void>((resolve) => {
    this.#done = resolve;
  });

  constructor(at: number) {
    super();
    this.#at = at;
  }

  override async cross<T>(label: string, call: () => Promise<T>): Promise<T> {
    if (this.#over) return new Promise<T>(() => {});
    if (this.calls.length !== this.#at) return super.cross(label, call);
    this.calls.push(label);
    this.#met();
    await this.#gone;
    this.#over = true;
    await call();
    this.#done();
    return new Promise<T>(() => {});
  }

  override wake(): void {
    this.#go();
  }
}

describe("a twin that lost to a rejection", () => {
  test("lets go of what the dead claim holds", async () => {
    const stage = await Stage.build([1, 0]);
    const [apple = "", pear = ""] = stage.productIds;
    const key = { "Idempotency-Key": "a-guest-key-of-this-test" };
    const first = new StallsThenDies(3);
    send(first, "/orders", stage.order(), key);
    await first.met;
    await stockOf(env, pear).adjust(pear, {
      operation: "restock",
      storeId: (await stockOf(env, pear).levels()).stores[0]?.store_id ?? "",
      type: "receive",
      quantity: 1,
      reason: "found",
      reference: null,
      actor: "test",
    });
    const second = new Boundary({ at: 3, ending: "stalls" });
    const twin = send(second, "/orders", stage.order(), key);
    await second.reached;
    first.wake();
    await first.done;
    second.wake();
    expect((await twin.answer).status).toBe(409);
    await Promise.all(twin.deferred);
    const reserved = await Promise.all(
      [apple, pear].map(async (id) => (await stockOf(env, id).levels()).reserved),
    );
    expect(reserved).toEqual([0, 0]);
  });
});
