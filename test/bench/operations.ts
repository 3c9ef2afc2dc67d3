import type { Ask } from "./load.ts";
import type { Filled } from "./shop.ts";

/** What the bench measures of the API. */
export interface Operation {
  name: string;
  /** The n-th request. */
  next: (turn: number) => Ask;
  /** What one request counts for: a bulk is so many orders. */
  worth: number;
  /** That the shop should refuse it. */
  refused?: boolean;
  /** That a guest may do it as shipped: it needs no account, whose requests are limited too, and is one order at most. */
  guests: boolean;
  /** Of a write: how many objects a request calls, of how many in all, how many holds each of them opens; units of an order. */
  objects: { each: number; of: number; holds: number; units: number };
}

const NO_OBJECTS = { each: 0, of: 1, holds: 0, units: 0 };

const BULK = 100;
const ORDERED = 200;

const json = (path: string, body: unknown): Ask => ({
  method: "POST",
  path,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** A guest's order, on invoice. */
export const draftOf = (ids: string[], quantity = 1) => ({
  items: ids.map((product_id) => ({ product_id, quantity })),
  customer: { name: "Ada", email: "ada@shop.example" },
  payment_method: "invoice",
});

/** @param productId of a product with fewer than 50 units */
export const refusedOrder = (productId: string): Operation => ({
  name: "a refused order",
  next: () => json("/api/v1/orders", draftOf([productId], 50)),
  worth: 1,
  refused: true,
  guests: true,
  objects: NO_OBJECTS,
});

export function operations({ products, storeIds }: Filled, token: string): Operation[] {
  const staff = { authorization: `Bearer ${token}` };
  const pick = <T>(all: T[], turn: number): T => all[turn % all.length] as T;
  const read = (name: string, next: Operation["next"]): Operation => ({
    ...{ name, next, worth: 1 },
    guests: next(0).headers?.authorization === undefined,
    objects: NO_OBJECTS,
  });
  const get = (path: string, headers?: Record<string, string>): Ask => ({
    ...{ method: "GET", path },
    ...(headers ? { headers } : {}),
  });
  const draft = (...ids: string[]) => draftOf(ids);
  const product = (turn: number): string => pick(products, turn % ORDERED).id;
  const words = products.map(({ title }) => title.split(" ")[0] ?? title);
  const beginnings = products.map(({ title }) => encodeURIComponent(title.slice(0, 4)));

  return [
    read("product list, cached", () => get("/api/v1/products")),
    read("product list, fresh (staff)", (turn) => get(`/api/v1/products?page=${1 + (turn % 50)}`, staff)),
    read("search with store and sort", (turn) =>
      get(
        `/api/v1/search/products?q=${encodeURIComponent(pick(words, turn * 7))}&store_id=${pick(storeIds, turn)}&sort=price_asc`,
      ),
    ),
    read("suggest", (turn) => get(`/api/v1/search/suggest?q=${pick(beginnings, turn * 13)}`)),
    read("store inventory", (turn) => get(`/api/v1/stores/${pick(storeIds, turn)}/inventory`, staff)),
    {
      name: "order of two products",
      next: (turn) => json("/api/v1/orders", draft(product(turn * 2), product(turn * 2 + 1))),
      worth: 1,
      guests: true,
      objects: { each: 2, of: ORDERED, holds: 1, units: 2 },
    },
    {
      name: "order of one hot product",
      next: () => json("/api/v1/orders", draft(product(0))),
      worth: 1,
      guests: true,
      objects: { each: 1, of: 1, holds: 1, units: 1 },
    },
    {
      name: `bulk of ${BULK} orders`,
      next: (turn) =>
        json("/api/v1/orders/bulk", {
          orders: Array.from({ length: BULK }, (_, index) =>
            draft(product((turn + index) % 10), product(10 + ((turn + index) % 10))),
          ),
        }),
      worth: BULK,
      guests: false,
      objects: { each: 20, of: 20, holds: BULK / 10, units: 2 },
    },
  ];
}
