import { expect, test } from "vitest";
import { lruCache } from "../../../src/platform/cache/memory.ts";

const newLru = () => lruCache(10_000, ({ size }: { value: string; size: number }) => size);

test("keeps what was used last, and never more than its limit", () => {
  const lru = newLru();
  for (let n = 0; n < 1_000; n++) {
    lru.set(`key ${n}`, { value: `value ${n}`, size: 100 + (n % 700) });
    lru.get("key 0");
    expect(lru.calculatedSize).toBeLessThanOrEqual(10_000);
  }
  expect(lru.get("key 0")?.value).toBe("value 0");
  expect(lru.get("key 999")?.value).toBe("value 999");
  expect(lru.get("key 1")).toBeUndefined();
});

test("weighs keys too, and takes nothing that is heavier than all it may hold", () => {
  const lru = newLru();
  lru.set("small", { value: "stays", size: 10 });
  lru.set("x".repeat(6_000), { value: "goes", size: 10 });
  lru.set("large", { value: "goes", size: 10_000 });
  const kept = ["small", "x".repeat(6_000), "large"].map((key) => lru.get(key)?.value);
  expect(kept).toEqual(["stays", undefined, undefined]);
});

test("weighs what was replaced or deleted no more", () => {
  const lru = newLru();
  for (let n = 0; n < 100; n++) lru.set("key", { value: "value", size: n * 10 });
  lru.set("other", { value: "value", size: 1_000 });
  lru.delete("key");
  lru.delete("key");
  const { calculatedSize } = lru;
  lru.delete("other");
  expect(calculatedSize).toBeGreaterThan(1_000);
  expect(calculatedSize).toBeLessThan(1_300);
  expect(lru.calculatedSize).toBe(0);
});
