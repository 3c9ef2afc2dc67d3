import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { isoTimestamp } from "../../src/platform/clock.ts";
import { Boundary } from "../chaos/boundary.ts";
import { send, sweep } from "../chaos/stage.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import {
  type Answer,
  answerOf,
  askUnder,
  cancel,
  countOf,
  levels,
  order,
  read,
  refusalOf,
  tokenOf,
} from "./ask.ts";

const TOO_LATE = [409, "not_cancellable"];

/** An order of two of five, and its product. */
async function givenOrder(more: Record<string, unknown> = {}, headers?: Record<string, string>) {
  const { productIds } = await givenShop([[5]]);
  const [product = ""] = productIds;
  const placed = await order(basket({ [product]: 2 }, more), headers);
  expect(placed.status).toBe(201);
  return { product, placed, id: placed.body.id as string };
}

async function releases(productId: string): Promise<number> {
  const { movements } = await stockOf(env, productId).movements(null, 100);
  return movements.filter(({ type }) => type === "release").length;
}

describe("cancelling", () => {
  test("frees the stock before it answers, and says who, when and why", async () => {
    const { product, placed, id } = await givenOrder();
    testClock.advance(1_000);
    const cancelled = await cancel(id, tokenOf(placed), { reason: "  changed my mind " });
    expect(await levels(product)).toMatchObject({ on_hand: 5, reserved: 0, available: 5 });

    const { access_token: _, ...before } = placed.body;
    expect([cancelled.status, cancelled.headers.get("ETag")]).toEqual([200, '"2"']);
    expect(cancelled.body).toEqual({
      ...before,
      status: "cancelled",
      // Nobody has paid, and nothing is to be paid any more.
      totals: { ...before.totals, kept: { amount: "0.00", currency: "USD" } },
      version: 2,
      updated_at: isoTimestamp(testClock.now()),
      refund: null,
    });
    const kept = await read(`/orders/${id}`, tokenOf(placed));
    const { refund: __, ...order } = cancelled.body;
    expect(kept.body).toEqual({ ...order, payments: [], shipments: [], returns: [] });
    const history = await read(`/orders/${id}/history`, tokenOf(placed));
    expect(history.body.results[1]).toMatchObject({
      version: 2,
      from: "confirmed",
      to: "cancelled",
      at: isoTimestamp(testClock.now()),
      actor: "you",
      reason: "changed my mind",
    });
  });

  test("leaves no work behind", async () => {
    const { placed, id } = await givenOrder();
    await cancel(id, tokenOf(placed));
    const { DB } = env;
    const open = () => DB.prepare("SELECT count(*) AS open FROM work WHERE state <> 'done'").first("open");
    await expect.poll(open, { timeout: 5_000 }).toBe(0);
    const events = await DB.prepare("SELECT type, object_version FROM events ORDER BY seq").all();
    expect(events.results).toEqual([
      { type: "order.placed", object_version: 1 },
      { type: "order.cancelled", object_version: 2 },
    ]);
  });

  test("works once", async () => {
    const { product, placed, id } = await givenOrder();
    expect((await cancel(id, tokenOf(placed))).status).toBe(200);
    const again = await cancel(id, tokenOf(placed));
    expect(refusalOf(again)).toEqual(TOO_LATE);
    expect(again.body.order_status).toBe("cancelled");
    expect(await levels(product)).toMatchObject({ reserved: 0 });
    expect(await releases(product)).toBe(1);
  });

  test("works once of ten at a time, and the units come back once", async () => {
    const { product, placed, id } = await givenOrder();
    const answers = await Promise.all(Array.from({ length: 10 }, () => cancel(id, tokenOf(placed))));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)]);
    expect(await levels(product)).toMatchObject({ on_hand: 5, reserved: 0 });
    expect(await releases(product)).toBe(1);
    // The first version is in the order.
    expect(await countOf("order_history")).toBe(1);
  });

  test("is for orders that wait for their payment too, and never for what has expired", async () => {
    const card = { payment_method: "card" };
    const waiting = await givenOrder(card);
    const cancelled = await cancel(waiting.id, tokenOf(waiting.placed));
    expect([cancelled.status, cancelled.body.status]).toEqual([200, "cancelled"]);

    const late = await givenOrder(card);
    testClock.advance(31 * 60_000);
    await sweep();
    const refused = await cancel(late.id, tokenOf(late.placed));
    expect(refusalOf(refused)).toEqual(TOO_LATE);
    expect(refused.body.order_status).toBe("expired");
  });
});

describe("under a key", () => {
  const KEY = { "Idempotency-Key": "a-guest-key-0002" };

  test("the same cancel succeeds as often as it is sent, also by ten at a time", async () => {
    const { product, placed, id } = await givenOrder();
    const headers = { ...tokenOf(placed), ...KEY };
    const answers = await Promise.all(Array.from({ length: 10 }, () => cancel(id, headers)));
    answers.push(await cancel(id, headers));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await releases(product)).toBe(1);
    expect(refusalOf(await cancel(id, headers, { reason: "other" }))).toEqual([
      422,
      "idempotency_key_reused",
      "Idempotency-Key",
    ]);
    expect(refusalOf(await cancel(id, tokenOf(placed)))).toEqual(TOO_LATE);
  });

  test("a cancel whose answer was never kept recognises its own effect, If-Match and all", async () => {
    const { placed, id } = await givenOrder();
    const headers = { ...tokenOf(placed), ...KEY, "If-Match": '"1"' };
    const first = await cancel(id, headers);
    expect(first.status).toBe(200);
    // As if the worker had died between the cancel and the answer.
    await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
    const again = await cancel(id, headers);
    expect([again.status, again.text]).toEqual([200, first.text]);
  });

  test("a refused cancel is refused again in the same words", async () => {
    const { placed, id } = await givenOrder();
    await cancel(id, tokenOf(placed));
    const headers = { ...tokenOf(placed), ...KEY };
    const refused = await cancel(id, headers);
    expect(refusalOf(refused)).toEqual(TOO_LATE);
    expect((await cancel(id, headers)).text).toBe(refused.text);
  });
});

describe("If-Match", () => {
  test.each([
    ['"1"', 200],
    ['W/"1"', 200],
    ['"9", "1"', 200],
    ["*", 200],
    ['"2"', 412],
    ["1", 412],
    ["'; --", 412],
  ])("%s: %i", async (ifMatch, status) => {
    const { product, placed, id } = await givenOrder();
    const answer = await cancel(id, { ...tokenOf(placed), "If-Match": ifMatch });
    expect(answer.status).toBe(status);
    if (status === 412) expect(refusalOf(answer)).toEqual([412, "stale"]);
    expect(await levels(product)).toMatchObject({ reserved: status === 200 ? 0 : 2 });
  });

  /** A cancel that has read its order, and goes on only when another has changed it. */
  async function overtaken(headers: Record<string, string>): Promise<{ answer: Answer; product: string }> {
    const { product, placed, id } = await givenOrder();
    const boundary = new Boundary({ at: 2, ending: "stalls" });
    const sent = send(boundary, `/orders/${id}/cancel`, undefined, { ...tokenOf(placed), ...headers });
    await boundary.reached;
    expect(boundary.calls).toEqual(["D1.first", "D1.first", "D1.batch"]);
    await env.DB.prepare("UPDATE orders SET version = 2, status = 'processing' WHERE id = ?1").bind(id).run();
    boundary.wake();
    return { answer: await answerOf(sent.answer), product };
  }

  test("holds to the moment of the change", async () => {
    const { answer, product } = await overtaken({ "If-Match": '"1"' });
    expect(refusalOf(answer)).toEqual([412, "stale"]);
    expect(await levels(product)).toMatchObject({ reserved: 2 });
  });

  test("and without it, who was overtaken looks again and cancels", async () => {
    const { answer, product } = await overtaken({});
    expect([answer.status, answer.body.version]).toEqual([200, 3]);
    expect(await levels(product)).toMatchObject({ reserved: 0 });
  });
});

describe("an order that others keep changing", () => {
  /** D1 in which the order moves on under the first so many tries to cancel it. */
  const changedUnder = (tries: number) => {
    let left = tries;
    const batch = async (statements: D1PreparedStatement[]) => {
      if (left-- > 0) await env.DB.prepare("UPDATE orders SET version = version + 1").run();
      return env.DB.batch(statements);
    };
    return { DB: { prepare: (sql: string) => env.DB.prepare(sql), batch } };
  };

  test("is cancelled all the same, when they let it be", async () => {
    const { product, placed, id } = await givenOrder();
    const answer = await askUnder(
      changedUnder(15),
      "POST",
      `/orders/${id}/cancel`,
      undefined,
      tokenOf(placed),
    );
    expect([answer.status, answer.body.status, answer.body.version]).toEqual([200, "cancelled", 17]);
    expect(await levels(product)).toMatchObject({ reserved: 0 });
  });

  test("is not said to be past cancelling, when they never do", async () => {
    const { product, placed, id } = await givenOrder();
    const endless = changedUnder(Number.POSITIVE_INFINITY);
    const answer = await askUnder(endless, "POST", `/orders/${id}/cancel`, undefined, tokenOf(placed));
    expect(refusalOf(answer)).toEqual([503, "try_again"]);
    expect(answer.headers.get("Retry-After")).toBe("1");
    expect(await levels(product)).toMatchObject({ reserved: 2 });
    expect((await cancel(id, tokenOf(placed))).status).toBe(200);
  });
});

describe("who may", () => {
  test("the buyer and staff, and for all others the order is not there", async () => {
    const owner = await signIn();
    const [other, staff, admin] = [await signIn(), await signIn("staff"), await signIn("admin")];
    const { product, id } = await givenOrder({}, owner.headers);
    const stranger = await givenOrder();
    const forged = { "X-Order-Token": "x".repeat(43) };
    for (const headers of [{}, other.headers, forged, tokenOf(stranger.placed), { "X-Order-Token": "" }]) {
      expect(refusalOf(await cancel(id, headers))).toEqual([404, "not_found"]);
    }
    expect(await levels(product)).toMatchObject({ reserved: 2 });
    expect((await cancel(id, owner.headers)).status).toBe(200);

    for (const who of [staff, admin]) {
      const theirs = await givenOrder();
      expect((await cancel(theirs.id, who.headers)).status).toBe(200);
      const history = await read(`/orders/${theirs.id}/history`, who.headers);
      expect(history.body.results[1].actor).toBe(who.id);
    }
  });
});

describe("the body", () => {
  test.each([[undefined], [{}], [{ reason: "x".repeat(500) }]])("%j will do", async (body) => {
    const { placed, id } = await givenOrder();
    expect((await cancel(id, tokenOf(placed), body)).status).toBe(200);
  });

  test.each([
    [{ reason: "x".repeat(501) }, "reason"],
    [{ reason: " " }, "reason"],
    [{ reason: 7 }, "reason"],
    [[]],
    [null],
    ["why"],
  ])("%j will not", async (body, ...fields) => {
    const { product, placed, id } = await givenOrder();
    expect(refusalOf(await cancel(id, tokenOf(placed), body))).toEqual([422, "invalid_body", ...fields]);
    expect(await levels(product)).toMatchObject({ reserved: 2 });
  });

  test("what may be thought to cancel a part will not either", async () => {
    const { placed, id } = await givenOrder();
    const body = { items: [{ product_id: "prd_1", quantity: 1 }] };
    expect(refusalOf(await cancel(id, tokenOf(placed), body))).toEqual([422, "unknown_field", "items"]);
  });
});
