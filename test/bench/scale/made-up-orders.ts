import type { OrderStatus } from "../../../src/orders/lifecycle.ts";
import type { OrderAllocation } from "../../../src/orders/order.ts";

/** How large a made-up shop is. */
export interface ShopSize {
  products: number;
  orders: number;
  /** Adjustments of one product, each with its operation. */
  operations: number;
}

export const STORES = 25;
export const CATEGORIES = 15;
export const CURRENCY = "USD";
/** Stores that have a product. */
const STORES_PER_PRODUCT = 6;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The time that the orders are spread over, before now. */
const SPAN_MS = 90 * DAY_MS;
/** One order in so many has a line of product 0, beside the adjustments that it alone has. */
const ORDERS_PER_HOT_LINE = 20;
/** One order in so many, the youngest, is still under way: so those grow with the shop. */
const ORDERS_PER_OPEN_ORDER = 20;

/** Ids like those of the shop: a prefix and 26 characters that sort by number. */
export const idOf = (prefix: string, number: number): string =>
  `${prefix}_${String(number).padStart(26, "0")}`;

/** A line of an order: units of one product from one store. */
export interface MadeUpLine {
  product: number;
  quantity: number;
  allocation: OrderAllocation;
}

/** One version of an order, and when it came to be. */
interface Version {
  status: OrderStatus;
  at: number;
}

export interface MadeUpOrder {
  number: number;
  /** From the first version to the present one. */
  versions: [Version, ...Version[]];
  lines: MadeUpLine[];
}

/** What may become of an order, and how many hours after its placing. */
const LIVES = {
  pending: [["pending", 0]],
  confirmed: [
    ["pending", 0],
    ["confirmed", 0.1],
  ],
  processing: [
    ["pending", 0],
    ["confirmed", 0.1],
    ["processing", 1],
  ],
  shipped: [
    ["pending", 0],
    ["confirmed", 0.1],
    ["processing", 1],
    ["shipped", 5],
  ],
  delivered: [
    ["pending", 0],
    ["confirmed", 0.1],
    ["processing", 1],
    ["shipped", 5],
    ["delivered", 50],
  ],
  cancelled: [
    ["pending", 0],
    ["cancelled", 0.3],
  ],
  expired: [
    ["pending", 0],
    ["expired", 0.5],
  ],
} as const satisfies Partial<Record<OrderStatus, [OrderStatus, number][]>>;

const OPEN = ["pending", "confirmed", "processing"] as const;

/** An order by its number, from 0, the oldest. The same number and size give the same order. */
export function madeUpOrder(number: number, { products, orders }: ShopSize, now: number): MadeUpOrder {
  const placedAt = now - SPAN_MS + Math.floor((number * (SPAN_MS - DAY_MS)) / orders);
  const status = statusOf(number, orders);
  const hasLeft = status === "shipped" || status === "delivered";
  const [first, ...others] = LIVES[status].map(([name, hours]) => ({
    status: name,
    at: placedAt + hours * HOUR_MS,
  }));
  if (first === undefined) throw new Error("an order has one version at least");
  return {
    number,
    versions: [first, ...others],
    lines: productsOf(number, products).map((product) => {
      const quantity = 1 + (number % 3);
      const store_id = storesOf(product)[number % STORES_PER_PRODUCT] ?? "";
      return { product, quantity, allocation: { store_id, quantity, shipped: hasLeft ? quantity : 0 } };
    }),
  };
}

function statusOf(number: number, orders: number): keyof typeof LIVES {
  if (number >= orders - Math.ceil(orders / ORDERS_PER_OPEN_ORDER)) return OPEN[number % 3] ?? "pending";
  switch (number % 20) {
    case 3:
      return "cancelled";
    case 7:
      return "expired";
    case 11:
      return "shipped";
    default:
      return "delivered";
  }
}

/** One or two products, of which no two are the same. */
function productsOf(number: number, products: number): number[] {
  const cold = (turn: number) => 1 + ((number * 7 + turn * 3) % (products - 1));
  const first = number % ORDERS_PER_HOT_LINE === 0 ? 0 : cold(0);
  return number % 2 === 0 ? [first] : [...new Set([first, cold(1)])];
}

export const storesOf = (product: number): string[] =>
  Array.from({ length: STORES_PER_PRODUCT }, (_, turn) =>
    idOf("sto", (product * STORES_PER_PRODUCT + turn) % STORES),
  );

/** When the shop was stocked: before its first order. */
export const openedAt = (now: number): number => now - SPAN_MS - DAY_MS;
