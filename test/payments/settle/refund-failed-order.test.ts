import { describe, expect, test } from "vitest";
import { Boundary } from "../../chaos/boundary.ts";
import {
  givenAnswered,
  givenDue,
  mustHaveFailed,
  outcomeOf,
  SENT,
  SETTLED,
  tellRefund,
} from "./given-refund.ts";
import { refundRows, rows } from "./till.ts";

/** Its sender has not come back yet. */
const UNDER_WAY = { calm: false };

describe("that a refund failed, in whatever order it comes:", () => {
  test("before the refund is marked: it is not asked for again", async () => {
    const given = await givenDue();
    const { till, order, refund } = given;
    // Its answer was lost.
    till.answer = () => ({ kind: "failed", error: "network connection lost" });
    await till.drain();
    expect(await refundRows(order.id)).toMatchObject([{ state: "due" }]);
    await tellRefund("refund.failed", "failed", given);
    await till.drain();
    await mustHaveFailed(given, UNDER_WAY);
    till.answer = () => SETTLED;
    await till.settle();
    await mustHaveFailed(given);
    expect(till.asked).toEqual([refund.id]);
  });

  test.each([SENT, SETTLED])("between the answer (%j) and its mark: the mark yields", async (answer) => {
    const given = await givenDue();
    const { till, refund } = given;
    till.answer = () => answer;
    const [task] = await rows<{ id: string }>("SELECT id FROM work WHERE task = 'refund'");
    const boundary = new Boundary({ at: 3, ending: "stalls" });
    await till.work([task?.id ?? ""], boundary);
    expect(boundary.calls).toEqual(["D1.all", "D1.batch", "provider.refund", "D1.batch"]);
    await tellRefund("refund.failed", "failed", given);
    await till.drain();
    await mustHaveFailed(given, UNDER_WAY);
    boundary.wake();
    await expect
      .poll(() => rows("SELECT state FROM work WHERE task = 'refund'"))
      .toEqual([{ state: "done" }]);
    await mustHaveFailed(given);
    expect(till.asked).toEqual([refund.id]);
  });

  test.each([SENT, SETTLED, { kind: "failed", error: "lost" } as const])(
    "its success told late changes nothing where its sender heard %j",
    async (answer) => {
      const given = await givenAnswered(answer);
      const { till } = given;
      await tellRefund("refund.failed", "failed", given);
      await till.drain();
      await tellRefund("refund.updated", "succeeded", given);
      await till.drain();
      expect(await outcomeOf("re_1")).toBe("done failed_since");
      await till.settle();
      await mustHaveFailed(given);
    },
  );

  test("its success first: settled, then failed", async () => {
    const given = await givenAnswered(SENT);
    const { till } = given;
    await tellRefund("refund.updated", "succeeded", given);
    await till.drain();
    expect(await outcomeOf("re_1")).toBe("done refunded");
    await tellRefund("refund.failed", "failed", given);
    await till.drain();
    await mustHaveFailed(given);
  });

  test("with its own refusal: told twice, it failed once", async () => {
    const given = await givenDue();
    const { till } = given;
    till.answer = () => ({ kind: "refused", error: "Stripe's refund re_1 is failed", providerId: "re_1" });
    await tellRefund("refund.failed", "failed", given);
    const ids = (await rows<{ id: string }>("SELECT id FROM work WHERE state = 'owed'")).map(({ id }) => id);
    await Promise.all(ids.map((id) => till.work([id])));
    await till.settle();
    await mustHaveFailed(given);
  });
});
