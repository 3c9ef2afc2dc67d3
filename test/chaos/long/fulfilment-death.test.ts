import { describe, expect, test } from "vitest";
import { levels } from "../../orders/ask.ts";
import { owed, pay, refundsOf } from "../../orders/fulfilment/rows.ts";
import { freshKey, moved, prepared } from "../../orders/fulfilment/stage.ts";
import { atEveryCall } from "../at-every-call.ts";
import type { Ending } from "../boundary.ts";
import { outcomeOf, send } from "../stage.ts";

/**
 * Death at every await of what moves an order's stock, as in chaos/death.test.ts: the invariants hold at every step,
 * a repeat under the key succeeds, and when all is calm Stock has what D1 says.
 */

const PATIENT = { timeout: 240_000 };
/** For where nobody sends it again: a worker that outlives a failure does no more than one that is dead. */
const DEATHS: Ending[] = ["dies before", "dies after"];

/** What an order's refunds are of, and how many tasks were owed since there were `before`. */
const promised = async (id: string, before: number): Promise<[unknown[], number]> => [
  (await refundsOf(id)).map(({ amount }) => amount),
  (await owed("refund")).length - before,
];

describe("shipping", () => {
  test("takes the units once, however its worker ends", PATIENT, async () => {
    const calls = await atEveryCall(async (boundary, ending) => {
      const { stage, id, headers, act, page, apple, pear } = await prepared();
      const key = freshKey();
      const sent = send(boundary, `/orders/${id}/shipments`, {}, { ...headers, ...key });
      const answer = await outcomeOf(sent, boundary);
      if (ending === null) expect(answer?.status).toBe(201);
      await stage.mustHold();
      const again = await act(id, "shipments", {}, key);
      expect([again.status, again.body.order]).toMatchObject([201, { status: "shipped", version: 2 }]);
      await stage.settle();
      expect((await page(id)).body).toMatchObject({ version: 2, shipments: [again.body.shipment] });
      for (const product of [apple, pear]) {
        expect(await moved(product)).toEqual(["opening", "reserve", "ship"]);
      }
    });
    expect(calls).toEqual([
      // Whether the sender may, and the order.
      "D1.batch",
      "D1.batch",
      "D1.batch",
      "Stock.followAndCarry",
      "Stock.followAndCarry",
      "D1.batch",
      // The mail that it is on its way.
      "notifications.sendBatch",
    ]);
  });

  test("of a part takes that part once, and nobody sends it again", PATIENT, async () => {
    await atEveryCall(
      async (boundary) => {
        const { stage, id, headers, page, apple, pear } = await prepared();
        const body = { items: [{ product_id: apple, quantity: 1 }] };
        await outcomeOf(send(boundary, `/orders/${id}/shipments`, body, headers), boundary);
        await stage.settle();
        const { version, shipments } = (await page(id)).body;
        expect(shipments).toHaveLength(version - 1);
        expect(await levels(apple)).toMatchObject({ on_hand: 2 - version, reserved: 2 - version });
        expect(await levels(pear)).toMatchObject({ on_hand: 1, reserved: 1 });
      },
      { endings: DEATHS },
    );
  });
});

describe("closing", () => {
  async function partShipped() {
    const given = await prepared();
    const items = [{ product_id: given.apple, quantity: 1 }];
    expect((await given.act(given.id, "shipments", { items })).status).toBe(201);
    return given;
  }

  test("frees what is left once, however its worker ends", PATIENT, async () => {
    await atEveryCall(async (boundary, ending) => {
      const { stage, id, headers, act, apple, pear } = await partShipped();
      const key = freshKey();
      const answer = await outcomeOf(
        send(boundary, `/orders/${id}/close`, {}, { ...headers, ...key }),
        boundary,
      );
      if (ending === null) expect(answer?.status).toBe(200);
      await stage.mustHold();
      const again = await act(id, "close", {}, key);
      expect([again.status, again.body]).toMatchObject([200, { status: "shipped", version: 3 }]);
      await stage.settle();
      expect(await moved(apple)).toEqual(["opening", "reserve", "ship"]);
      expect(await moved(pear)).toEqual(["opening", "reserve", "release"]);
    });
  });

  test("of a paid order owes its refund exactly when it is closed", PATIENT, async () => {
    await atEveryCall(async (boundary) => {
      const { stage, id, headers, page, act } = await partShipped();
      await pay(id);
      const before = (await owed("refund")).length;
      const key = freshKey();
      await outcomeOf(send(boundary, `/orders/${id}/close`, {}, { ...headers, ...key }), boundary);
      await stage.mustHold();
      const { status, payment_status } = (await page(id)).body;
      const [refunds, tasks] = await promised(id, before);
      if (status === "shipped") expect([payment_status, refunds]).toEqual(["refund_due", [1999]]);
      else expect([status, payment_status, refunds, tasks]).toEqual(["processing", "paid", [], 0]);
      // Whoever sends it again is told of the one refund.
      const again = await act(id, "close", {}, key);
      expect(again.body.refund.amount.amount).toBe("19.99");
      expect(await promised(id, before)).toEqual([[1999], 1]);
    });
  });
});

test("cancelling a paid order owes its refund exactly when it is cancelled", PATIENT, async () => {
  await atEveryCall(async (boundary) => {
    const { stage, id, headers, page } = await prepared();
    await pay(id);
    const before = (await owed("refund")).length;
    await outcomeOf(send(boundary, `/orders/${id}/cancel`, {}, headers), boundary);
    await stage.mustHold();
    const { status, payment_status } = (await page(id)).body;
    const [refunds, tasks] = await promised(id, before);
    if (status === "cancelled") expect([payment_status, refunds, tasks]).toEqual(["refund_due", [3998], 1]);
    else expect([status, payment_status, refunds, tasks]).toEqual(["confirmed", "paid", [], 0]);
  });
});

describe("a return", () => {
  async function shipped() {
    const given = await prepared();
    expect((await given.act(given.id, "shipments")).status).toBe(201);
    const items = [given.apple, given.pear].map((product_id, index) => ({
      product_id,
      quantity: 1,
      restock: index === 0,
    }));
    return { ...given, body: { items, store_id: given.store, reason: "too small" } };
  }

  test("puts the units back once, however its worker ends", PATIENT, async () => {
    await atEveryCall(async (boundary, ending) => {
      const { stage, id, headers, act, page, apple, pear, body } = await shipped();
      const key = freshKey();
      const answer = await outcomeOf(
        send(boundary, `/orders/${id}/returns`, body, { ...headers, ...key }),
        boundary,
      );
      if (ending === null) expect(answer?.status).toBe(201);
      await stage.mustHold();
      const again = await act(id, "returns", body, key);
      expect([again.status, again.body.order]).toMatchObject([201, { status: "returned", version: 3 }]);
      await stage.settle();
      expect((await page(id)).body.returns).toEqual([again.body.return]);
      expect(await moved(apple)).toEqual(["opening", "reserve", "ship", "return"]);
      expect(await moved(pear)).toEqual(["opening", "reserve", "ship"]);
    });
  });

  test("of a paid order owes its refund exactly when it is made", PATIENT, async () => {
    await atEveryCall(async (boundary) => {
      const { stage, id, headers, act, page, body } = await shipped();
      await pay(id);
      const before = (await owed("refund")).length;
      const key = freshKey();
      await outcomeOf(send(boundary, `/orders/${id}/returns`, body, { ...headers, ...key }), boundary);
      await stage.mustHold();
      const { returns, payment_status } = (await page(id)).body;
      const made = returns.length === 1;
      expect([payment_status, ...(await promised(id, before))]).toEqual(
        made ? ["refund_due", [3998], 1] : ["paid", [], 0],
      );
      expect((await act(id, "returns", body, key)).body.refund.amount.amount).toBe("39.98");
      expect(await promised(id, before)).toEqual([[3998], 1]);
    });
  });

  test("that nobody sends again is all there or not at all", PATIENT, async () => {
    await atEveryCall(
      async (boundary) => {
        const { stage, id, headers, page, apple, body } = await shipped();
        await outcomeOf(send(boundary, `/orders/${id}/returns`, body, headers), boundary);
        await stage.settle();
        const { status, returns } = (await page(id)).body;
        expect(["shipped", "returned"]).toContain(status);
        expect(returns).toHaveLength(status === "returned" ? 1 : 0);
        expect(await levels(apple)).toMatchObject({ on_hand: returns.length, reserved: 0 });
      },
      { endings: DEATHS },
    );
  });
});
