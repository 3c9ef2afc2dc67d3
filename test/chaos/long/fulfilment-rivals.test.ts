import { describe, expect, test } from "vitest";
import { owed, pay } from "../../orders/fulfilment/rows.ts";
import { moved, prepared } from "../../orders/fulfilment/stage.ts";
import { atEveryCall } from "../at-every-call.ts";
import { Boundary, type Ending } from "../boundary.ts";
import { outcomeOf, send } from "../stage.ts";

const PATIENT = { timeout: 240_000 };
/** Beside a rival: what fails and lives differs in nothing that matters from what is dead. */
const DEATHS: Ending[] = ["dies before", "dies after"];

describe("ship against cancel", () => {
  const RIVALS = [
    ["shipments", "cancel"],
    ["cancel", "shipments"],
  ] as const;
  type Given = Awaited<ReturnType<typeof prepared>>;

  /** Exactly one of them stands, and Stock has followed it. @param second the answer of the one that lived */
  async function mustBeOne({ stage, id, page, apple, pear }: Given, second: number, action: string) {
    await stage.mustHold();
    await stage.settle();
    const { status, version, shipments } = (await page(id)).body;
    expect(["shipped", "cancelled"]).toContain(status);
    expect([version, shipments.length]).toEqual([2, status === "shipped" ? 1 : 0]);
    const won = (status === "shipped") === (action === "shipments");
    expect(second).toBe(won ? (action === "shipments" ? 201 : 200) : 409);
    for (const product of [apple, pear]) {
      expect(await moved(product)).toEqual(["opening", "reserve", status === "shipped" ? "ship" : "release"]);
    }
  }

  test.each(RIVALS)("%s that ends anywhere, then %s: one of them stands", PATIENT, async (first, second) => {
    await atEveryCall(async (boundary) => {
      const given = await prepared();
      await outcomeOf(send(boundary, `/orders/${given.id}/${first}`, {}, given.headers), boundary);
      await given.stage.mustHold();
      const { status } = await given.act(given.id, second);
      await mustBeOne(given, status, second);
    });
  });

  test.each(RIVALS)("%s that ends anywhere beside %s: one of them stands", PATIENT, async (first, second) => {
    await atEveryCall(
      async (boundary) => {
        const given = await prepared();
        const one = send(boundary, `/orders/${given.id}/${first}`, {}, given.headers);
        const other = given.act(given.id, second);
        await outcomeOf(one, boundary);
        await mustBeOne(given, (await other).status, second);
      },
      { endings: DEATHS },
    );
  });

  test.each(RIVALS)(
    "%s that stalls anywhere while %s goes through: one stands",
    PATIENT,
    async (...rivals) => {
      const [first, second] = rivals;
      const rehearsal = new Boundary();
      const rehearsed = await prepared();
      await outcomeOf(send(rehearsal, `/orders/${rehearsed.id}/${first}`, {}, rehearsed.headers), rehearsal);
      for (const at of rehearsal.calls.keys()) {
        const given = await prepared();
        const boundary = new Boundary({ at, ending: "stalls" });
        const stalled = send(boundary, `/orders/${given.id}/${first}`, {}, given.headers);
        await boundary.reached;
        const { status } = await given.act(given.id, second);
        await given.stage.mustHold();
        boundary.wake();
        const answer = await stalled.answer;
        await Promise.all(stalled.deferred);
        expect([answer.status, status].filter((code) => code < 300)).toHaveLength(1);
        await mustBeOne(given, status, second);
      }
    },
  );

  test("a cancel that lost leaves a paid order paid, and owes nothing", async () => {
    const { id, act, headers, page } = await prepared();
    await pay(id);
    const boundary = new Boundary({ at: 3, ending: "stalls" });
    const stalled = send(boundary, `/orders/${id}/cancel`, {}, headers);
    await boundary.reached;
    expect(boundary.calls).toEqual(["D1.batch", "D1.first", "D1.all", "D1.batch"]);
    expect((await act(id, "shipments")).status).toBe(201);
    boundary.wake();
    expect((await stalled.answer).status).toBe(409);
    expect((await page(id)).body).toMatchObject({ status: "shipped", payment_status: "paid", version: 3 });
    expect(await owed("refund")).toEqual([]);
  });

  test("a shipment that lost leaves its items and the shipments as they were", async () => {
    const { id, act, headers, page } = await prepared();
    const boundary = new Boundary({ at: 2, ending: "stalls" });
    const stalled = send(boundary, `/orders/${id}/shipments`, {}, headers);
    await boundary.reached;
    expect(boundary.calls).toEqual(["D1.batch", "D1.first", "D1.batch"]);
    const cancelled = await act(id, "cancel");
    expect(cancelled.status).toBe(200);
    boundary.wake();
    expect((await stalled.answer).status).toBe(409);
    const { items, shipments, version } = (await page(id)).body;
    expect({ items, shipments, version }).toEqual({ items: cancelled.body.items, shipments: [], version: 2 });
  });
});
