import { getLogger } from "@logtape/logtape";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Desk, type Handed, MAX_WAITING, type PlaceGroup } from "../../../src/orders/desk/desk.ts";
import { takeGroup } from "../../../src/orders/desk/group.ts";
import type { Draft } from "../../../src/orders/place/draft.ts";
import type { Outcomes, PlaceOutcome } from "../../../src/orders/place/outcome.ts";

/** The desk by itself: which drafts it places together, and when. What placing does is the test's. */

const DONE: PlaceOutcome = { kind: "stopped" };

function draft(name: string, { products = ["prd_1"], key = "", cart = "" } = {}): Draft {
  const lines = products.map((productId, item) => ({ productId, quantity: 1, item }));
  return {
    operation: name,
    lines,
    key: key === "" ? null : { scope: "s", key, fingerprint: "f" },
    cart: cart === "" ? null : { id: cart, version: 1, spentBy: null },
  } as unknown as Draft;
}

const handed = (one: Draft, bytes = 100): Handed => ({ draft: one, bytes, admitted: true });
const namesOf = (group: { draft: Draft }[]) => group.map((one) => one.draft.operation).join(" ");
/** Lets all that follows from what is settled already happen. */
const soon = () => new Promise((resolve) => setImmediate(resolve));

interface Begun {
  group: Handed[];
  outcomes: Outcomes;
  free: () => void;
  end: () => void;
  fail: (error: Error) => void;
}

/** A desk, and the groups that it has begun to place. */
function givenDesk() {
  const begun: Begun[] = [];
  const place: PlaceGroup = (group, outcomes, free) =>
    new Promise<void>((end, fail) => begun.push({ group, outcomes, free, end, fail }));
  const desk = new Desk(place, getLogger("silent"));
  const hand = (...names: string[]) =>
    names.map((name) => {
      const outcome = desk.hand(handed(draft(name)));
      // Where a test looks at the groups alone.
      outcome.catch(() => {});
      return outcome;
    });
  return { desk, begun, hand, groups: () => begun.map(({ group }) => namesOf(group)) };
}

describe("a group", () => {
  const groupsOf = (waiting: Handed[]) => {
    const groups: string[] = [];
    while (waiting.length > 0) groups.push(namesOf(takeGroup(waiting)));
    return groups;
  };

  test("has at most 32 drafts, in the order in which they came", () => {
    const names = Array.from({ length: 70 }, (_, index) => `d${index}`);
    const groups = groupsOf(names.map((name) => handed(draft(name))));
    expect(groups.map((group) => group.split(" ").length)).toEqual([32, 32, 6]);
    expect(groups.join(" ")).toBe(names.join(" "));
  });

  test("names at most 100 products, shared ones once, and one draft may name more", () => {
    const many = (from: number, count: number) => Array.from({ length: count }, (_, i) => `prd_${from + i}`);
    expect(
      groupsOf([
        handed(draft("a", { products: many(0, 60) })),
        handed(draft("b", { products: many(30, 70) })),
        handed(draft("c", { products: many(100, 1) })),
        handed(draft("d", { products: many(0, 200) })),
        handed(draft("e", { products: many(0, 1) })),
      ]),
    ).toEqual(["a b e", "c", "d"]);
  });

  test("has at most 200,000 bytes, and one draft may have more", () => {
    expect(
      groupsOf([
        handed(draft("a"), 150_000),
        handed(draft("b"), 50_001),
        handed(draft("c"), 50_000),
        handed(draft("d"), 900_000),
      ]),
    ).toEqual(["a c", "b", "d"]);
  });

  test("never has two drafts of one cart or of one key", () => {
    expect(
      groupsOf([
        handed(draft("a", { key: "k1" })),
        handed(draft("b", { cart: "c1" })),
        handed(draft("twin", { key: "k1" })),
        handed(draft("tab", { cart: "c1", key: "k2" })),
        handed(draft("e", { key: "k2" })),
        handed(draft("f", { cart: "c2", key: "k3" })),
      ]),
    ).toEqual(["a b e f", "twin tab"]);
  });
});

describe("the desk", () => {
  test("places at once in a quiet shop, and gathers what comes while two groups are under way", async () => {
    const { begun, hand, groups } = givenDesk();
    hand("a", "b", "c", "d");
    expect(groups()).toEqual(["a", "b"]);
    hand("e");
    begun[0]?.end();
    await soon();
    expect(groups()).toEqual(["a", "b", "c d e"]);
    begun[1]?.end();
    await soon();
    expect(groups()).toHaveLength(3);
    hand("f");
    expect(groups()).toEqual(["a", "b", "c d e", "f"]);
  });

  test("tells each outcome when it is known, and goes on when only drafts that wait for others are left", async () => {
    const { begun, hand, groups } = givenDesk();
    hand("x", "y");
    const [first, second] = hand("a", "b");
    hand("c");
    begun[0]?.end();
    await soon();
    expect(groups().at(-1)).toBe("a b c");
    begun[1]?.end();
    await soon();
    const group = begun[2];
    const [a, b] = group?.group ?? [];
    if (!group || !a || !b) throw new Error("no group");
    group.outcomes.set(a.draft, DONE);
    expect(await first).toBe(DONE);
    hand("later", "last");
    await soon();
    expect(groups().slice(3)).toEqual(["later"]);
    group.free();
    await soon();
    expect(groups().slice(3)).toEqual(["later", "last"]);
    group.outcomes.set(b.draft, { kind: "restoring" });
    expect(await second).toEqual({ kind: "restoring" });
  });

  test("sends away whoever comes when 200 wait, and nobody before", async () => {
    const { begun, desk, hand } = givenDesk();
    hand("a", "b");
    const waiting = hand(...Array.from({ length: MAX_WAITING }, (_, index) => `w${index}`));
    expect(await desk.hand(handed(draft("one too many")))).toEqual({ kind: "crowded" });
    begun[0]?.end();
    await soon();
    void desk.hand(handed(draft("there is room again")));
    const group = begun[2];
    for (const one of group?.group ?? []) group?.outcomes.set(one.draft, DONE);
    expect(await waiting[0]).toBe(DONE);
  });

  test("rejects what a failed group leaves without an outcome, so that its requests go on alone", async () => {
    const { begun, hand, groups } = givenDesk();
    hand("x", "y");
    const [a, b] = hand("a", "b");
    begun[0]?.end();
    await soon();
    const group = begun[2];
    if (group?.group[0]) group.outcomes.set(group.group[0].draft, DONE);
    group?.fail(new Error("planted"));
    expect(await a).toBe(DONE);
    await expect(b).rejects.toThrow("planted");
    hand("later");
    expect(groups().at(-1)).toBe("later");
  });

  describe("when a group hangs", () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test("keeps the others waiting for five seconds, and no longer", async () => {
      const { begun, hand, groups } = givenDesk();
      const [hanging] = hand("a", "b", "c");
      await vi.advanceTimersByTimeAsync(4_999);
      expect(groups()).toEqual(["a", "b"]);
      await vi.advanceTimersByTimeAsync(1);
      expect(groups()).toEqual(["a", "b", "c"]);
      // It may still come to an end, and then its outcome counts.
      const [group] = begun;
      if (group?.group[0]) group.outcomes.set(group.group[0].draft, DONE);
      expect(await hanging).toBe(DONE);
    });
  });
});
