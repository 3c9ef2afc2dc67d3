import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withheldOf } from "../../src/orders/fulfilment/withheld.ts";
import type { Order, OrderItem } from "../../src/orders/order.ts";
import { allBack, type DueBack, dueBack, goneUnits } from "../../src/orders/refund-due.ts";
import { unitsLeft } from "../../src/orders/units.ts";

const item = (productId: string, quantity: number, unitPrice: number): OrderItem => ({
  ...{ productId, sku: productId, title: productId, quantity, unitPrice, available: null },
  allocations: [{ store_id: "sto", quantity, shipped: 0 }],
});

type Paid = Pick<Order, "status" | "total" | "captured" | "refunded" | "refundedUnits" | "items">;

/** Two apples at 10 and three pears at 4: 32, paid. */
const paid = (more: Partial<Paid> = {}): Paid => ({
  status: "processing",
  ...{ total: 32, captured: 32, refunded: 0, refundedUnits: {} },
  items: [item("apple", 2, 10), item("pear", 3, 4)],
  ...more,
});

const units = (of: Record<string, number>) => new Map(Object.entries(of));

interface Case {
  name: string;
  order?: Partial<Paid>;
  gone?: Record<string, number>;
  going: Record<string, number>;
  amount: number;
  lines?: [string, number, number][];
}

describe("what goes back for units that are given up or came back", () => {
  test.each<Case>([
    {
      name: "their price",
      going: { apple: 1, pear: 2 },
      amount: 18,
      lines: [
        ["apple", 1, 10],
        ["pear", 2, 8],
      ],
    },
    { name: "nothing, where nobody has paid", order: { captured: 0 }, going: { apple: 1 }, amount: 0 },
    {
      name: "nothing, where that very unit was refunded",
      ...{ order: { refunded: 10, refundedUnits: { apple: 1 } }, going: { apple: 1 }, amount: 0 },
    },
    {
      name: "nothing, where as much was refunded and nobody said for what",
      ...{ order: { refunded: 10 }, going: { apple: 1 }, amount: 0 },
    },
    {
      name: "the rest, where a part of that was refunded so",
      ...{ order: { refunded: 3 }, going: { apple: 1 }, amount: 7, lines: [["apple", 1, 7]] },
    },
    {
      name: "all, where another item was refunded by name",
      ...{ order: { refunded: 10, refundedUnits: { apple: 1 } }, going: { pear: 1 }, amount: 4 },
    },
    {
      name: "only units beyond those that were refunded",
      order: { refunded: 10, refundedUnits: { apple: 1 } },
      ...{ going: { apple: 2 }, amount: 10, lines: [["apple", 1, 10]] },
    },
    {
      name: "all, where an earlier close was to refund nothing",
      ...{ gone: { pear: 3 }, going: { apple: 1 }, amount: 10, lines: [["apple", 1, 10]] },
    },
    {
      name: "all, where a second payment went back whole",
      ...{ order: { captured: 64, refunded: 32 }, going: { apple: 1 }, amount: 10 },
    },
    {
      name: "all, where the order was closed before it was paid",
      ...{ order: { captured: 20 }, gone: { pear: 3 }, going: { apple: 1 }, amount: 10 },
    },
    {
      name: "nothing, where all went back before",
      ...{ order: { refunded: 32 }, going: { apple: 2 }, amount: 0 },
    },
  ])("$name", ({ order = {}, gone = {}, going, amount, lines }) => {
    const due = dueBack(paid(order), units(gone), units(going));
    expect(due.amount).toBe(amount);
    if (lines) expect(due.items.map((line) => [line.product_id, line.quantity, line.amount])).toEqual(lines);
  });

  test("a cancelled order gives all back, and names what was not refunded by name", () => {
    expect(allBack(paid({ refunded: 10, refundedUnits: { apple: 1 } }))).toEqual({
      amount: 22,
      items: [
        { product_id: "apple", quantity: 1, amount: 10 },
        { product_id: "pear", quantity: 3, amount: 12 },
      ],
    });
    expect(allBack(paid({ refunded: 32 }))).toEqual({ amount: 0, items: [] });
  });
});

/** An order as its rows have it, with what its buyer has, step by step. */
class Life {
  order: Paid = paid();
  returned = new Map<string, number>();
  /** What staff asked back without a unit that goes: gifts. */
  gifts = 0;
  ended = false;

  get left(): number {
    return this.order.captured - this.order.refunded;
  }

  find(product: string): OrderItem {
    const found = this.order.items.find(({ productId }) => productId === product);
    if (!found) throw new Error(product);
    return found;
  }

  back({ amount, items }: DueBack): void {
    const refundedUnits = { ...this.order.refundedUnits };
    for (const line of items) {
      refundedUnits[line.product_id] = (refundedUnits[line.product_id] ?? 0) + line.quantity;
      expect(line.amount).toBeLessThanOrEqual(line.quantity * this.find(line.product_id).unitPrice);
    }
    this.order = { ...this.order, refunded: this.order.refunded + amount, refundedUnits };
  }

  refundAmount(wanted: number): void {
    const amount = Math.min(wanted, this.left);
    this.gifts += amount;
    this.back({ amount, items: [] });
  }

  refundItem(product: string): void {
    const { quantity, unitPrice } = this.find(product);
    if ((this.order.refundedUnits[product] ?? 0) >= quantity || unitPrice > this.left) return;
    this.back({ amount: unitPrice, items: [{ product_id: product, quantity: 1, amount: unitPrice }] });
  }

  ship(product: string): void {
    const withheld = withheldOf(this.order, this.left <= 0 ? null : this.returned);
    const one = this.find(product);
    if (this.ended || unitsLeft(one) - (withheld.get(product) ?? 0) < 1) return;
    this.allocate(product, ({ quantity, shipped }) => ({ quantity, shipped: shipped + 1 }));
  }

  allocate(product: string, change: (a: { quantity: number; shipped: number }) => object): void {
    const items = this.order.items.map((one) => ({
      ...one,
      allocations: one.allocations.map((a) => (one.productId === product ? { ...a, ...change(a) } : a)),
    }));
    this.order = { ...this.order, items };
  }

  get shipped(): number {
    return this.order.items.reduce((sum, { allocations: [a] }) => sum + (a?.shipped ?? 0), 0);
  }

  comeBack(product: string): void {
    const back = this.returned.get(product) ?? 0;
    if ((this.find(product).allocations[0]?.shipped ?? 0) <= back || this.order.status === "cancelled")
      return;
    this.step(units({ [product]: 1 }), () => this.returned.set(product, back + 1));
  }

  close(): void {
    if (this.ended || this.shipped === 0) return;
    this.ended = true;
    this.step(new Map(this.order.items.map((one) => [one.productId, unitsLeft(one)])), () => {
      for (const { productId } of this.order.items) {
        this.allocate(productId, ({ shipped }) => ({ quantity: shipped, shipped }));
      }
    });
  }

  cancel(): void {
    if (this.ended || this.shipped > 0) return;
    this.ended = true;
    this.back(allBack(this.order));
    this.order = { ...this.order, status: "cancelled" };
    expect(this.left).toBe(0);
  }

  step(going: Map<string, number>, then: () => void): void {
    const before = this.order.refunded;
    this.back(dueBack(this.order, goneUnits(this.order, this.returned), going));
    then();
    // Whatever a step gives back, it is no more than what the buyer does not have.
    if (this.order.refunded > before) expect(this.order.refunded).toBeLessThanOrEqual(this.notTheirs());
  }

  /** What the buyer does not keep, and what was refunded to them by name though they keep it. */
  notTheirs(): number {
    const gone = goneUnits(this.order, this.returned);
    return this.order.items.reduce((sum, { productId, unitPrice }) => {
      const named = this.order.refundedUnits[productId] ?? 0;
      return sum + unitPrice * Math.max(gone.get(productId) ?? 0, named);
    }, 0);
  }
}

const product = fc.constantFrom("apple", "pear");
const act = fc.oneof(
  fc.record({ do: fc.constant("refundAmount" as const), amount: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ do: fc.constantFrom("refundItem" as const, "ship" as const, "comeBack" as const), product }),
  fc.record({ do: fc.constantFrom("close" as const, "cancel" as const) }),
);

test("over any life: never more goes back than was captured or than is not the buyer's, and what is due does", () => {
  const ends = { closed: 0, cancelled: 0, gifts: 0 };
  fc.assert(
    fc.property(fc.array(act, { maxLength: 14 }), (acts) => {
      const life = new Life();
      for (const one of acts) {
        if (one.do === "refundAmount") life.refundAmount(one.amount);
        else if ("product" in one) life[one.do](one.product);
        else life[one.do]();
        expect(life.order.refunded).toBeLessThanOrEqual(life.order.captured);
        if (life.order.status === "cancelled") {
          ends.cancelled++;
          continue;
        }
        // What no unit stands for is what staff asked back as an amount.
        expect(life.order.refunded).toBeLessThanOrEqual(life.notTheirs() + life.gifts);
        // A unit that is gone is paid for by a refund, its own or one that named none.
        expect(life.order.refunded).toBeGreaterThanOrEqual(Math.min(life.notTheirs(), life.order.captured));
      }
      if (life.order.status !== "cancelled" && life.ended) ends.closed++;
      if (life.gifts > 0) ends.gifts++;
    }),
    { numRuns: 3_000 },
  );
  // All of that came up.
  expect(Math.min(ends.closed, ends.cancelled, ends.gifts)).toBeGreaterThan(100);
});
