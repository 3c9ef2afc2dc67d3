import type { Context } from "../../platform/context.ts";

/** The nightly comparison of stock, claims, orders and projection. Returns what it found, in words. */
export async function reconcileStock(_context: Context): Promise<string> {
  return "not built yet";
}
