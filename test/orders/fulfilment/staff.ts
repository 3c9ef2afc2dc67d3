import { expect } from "vitest";
import { basket, givenShop, post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import { type Answer, answerOf, order, read } from "../ask.ts";

export interface Sold {
  id: string;
  productIds: string[];
  storeIds: string[];
  /** Of the buyer, a guest. */
  token: Record<string, string>;
}

/** An order of so many units of each product: `stock[p][s]` of product p lie in store s. 19.99 a unit. */
export async function givenSold(
  stock: number[][],
  quantities: number[],
  more: Record<string, unknown> = {},
): Promise<Sold> {
  const { productIds, storeIds } = await givenShop(stock);
  const wanted = Object.fromEntries(productIds.map((id, index) => [id, quantities[index] ?? 0]));
  const placed = await order(basket(wanted, more));
  expect(placed.status).toBe(201);
  return {
    id: placed.body.id,
    productIds,
    storeIds,
    token: { "X-Order-Token": placed.body.access_token },
  };
}

export type Act = (
  id: string,
  action: "transitions" | "shipments" | "close" | "returns" | "cancel",
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

/** What a member of staff does to orders, and how they read them. */
export async function staff() {
  const user = await signIn("staff");
  const act: Act = (id, action, body, headers = {}) =>
    answerOf(post(`/orders/${id}/${action}`, body, { ...user.headers, ...headers }));
  return {
    ...user,
    act,
    page: (id: string) => read(`/orders/${id}`, user.headers),
    history: async (id: string) => (await read(`/orders/${id}/history`, user.headers)).body.results,
    /** The order's way, version by version. */
    way: async (id: string): Promise<string[]> =>
      (await read(`/orders/${id}/history`, user.headers)).body.results.map((line: { to: string }) => line.to),
  };
}
