import type { Context } from "../../platform/context.ts";
import { describeError } from "../../platform/log.ts";
import type { StockPort } from "../stock-port.ts";

/** Calls to Stock objects that one request has under way at a time. */
const PARALLEL = 50;

export interface Opening {
  store_id: string;
  /** Units. */
  quantity: number;
}

/** Sets opening stock, a call for each product. Returns those for which the call failed. */
export async function openStock<T extends { productId: string; levels: Opening[] }>(
  context: Context,
  stock: StockPort,
  openings: T[],
): Promise<T[]> {
  const unopened: T[] = [];
  for (let start = 0; start < openings.length; start += PARALLEL) {
    const calls = openings.slice(start, start + PARALLEL).map(async (opening) => {
      try {
        await stock.open(context, opening.productId, opening.levels);
      } catch (error) {
        context.log.error("opening stock was not set", {
          product_id: opening.productId,
          error: describeError(error),
        });
        unopened.push(opening);
      }
    });
    await Promise.all(calls);
  }
  return unopened;
}
