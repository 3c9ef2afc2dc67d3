import type { StockCommands } from "./stock-types.ts";

/** The Stock object of one product. A new stub for each call: one that saw a failure is of no more use. */
export function stockOf(env: Cloudflare.Env, productId: string): StockCommands {
  return env.STOCK.get(env.STOCK.idFromName(productId)) as unknown as StockCommands;
}
