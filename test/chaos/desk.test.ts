import { describe, expect, test } from "vitest";
import { atEveryCall } from "./at-every-call.ts";
import { LONG, mustBeWhole, orderOf, place } from "./desk-groups.ts";
import { Stage } from "./stage.ts";

/** See desk-groups.ts. A group of seven is in long/desk-death.test.ts. */

describe("a desk that ends anywhere", () => {
  test.each([1, 2])("with a group of %i", LONG, async (size) => {
    await atEveryCall(async (boundary, ending) => {
      const stage = await Stage.build([size, size]);
      const drafts = Array.from({ length: size }, (_, index) => orderOf(stage, index === 1));
      const kinds = await place(boundary, drafts);
      if (ending === null) expect([...kinds.values()]).toEqual(drafts.map(() => "decided"));
      await stage.mustHold();
      await boundary.deliver();
      await stage.mustHold();
      return { stage, afterwards: () => mustBeWhole(stage, kinds, size) };
    });
  });
});
