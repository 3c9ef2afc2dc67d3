import { expect, test } from "vitest";
import { Lru } from "../../../src/platform/cache/lru.ts";

test("keeps what was used last, and never more than its limit", () => {
  const lru = new Lru<string>(10_000);
  for (let n = 0; n < 1_000; n++) {
    lru.set(`key ${n}`, `value ${n}`, 100 + (n % 700));
    lru.get("key 0");
    expect(lru.weight).toBeLessThanOrEqual(10_000);
  }
  expect(lru.get("key 0")).toBe("value 0");
  expect(lru.get("key 999")).toBe("value 999");
  expect(lru.get("key 1")).toBeUndefined();
});

test("weighs keys too, and takes nothing that is heavier than all it may hold", () => {
  const lru = new Lru<string>(10_000);
  lru.set("small", "stays", 10);
  lru.set("x".repeat(6_000), "goes", 10);
  lru.set("large", "goes", 10_000);
  expect([lru.get("small"), lru.get("x".repeat(6_000)), lru.get("large")]).toEqual([
    "stays",
    undefined,
    undefined,
  ]);
});

test("weighs what was replaced or deleted no more", () => {
  const lru = new Lru<string>(10_000);
  for (let n = 0; n < 100; n++) lru.set("key", "value", n * 10);
  lru.set("other", "value", 1_000);
  lru.delete("key");
  lru.delete("key");
  const { weight } = lru;
  lru.delete("other");
  expect(weight).toBeGreaterThan(1_000);
  expect(weight).toBeLessThan(1_300);
  expect(lru.weight).toBe(0);
});
