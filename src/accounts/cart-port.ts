import type { Context } from "../platform/context.ts";

/** What signing in needs of carts, which stand above accounts in the house. The app wires it. */
export interface CartPort {
  /**
   * Makes what a guest has in a cart the user's. Exactly once, however often it is asked for. Returns the id of the
   * cart that has it now; null for a token that opens no cart to be had.
   */
  merge(context: Context, userId: string, token: string): Promise<string | null>;
}
