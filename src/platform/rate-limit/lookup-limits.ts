import type { Context } from "../context.ts";
import type { Limit } from "./limit.ts";

/**
 * The limits of what sends a mail to an address that anybody may name: of who asks, and of the mailbox.
 * @param email in small letters
 */
export const lookupLimits = ({ address, settings }: Context, email: string): Limit[] =>
  [`address:${address}`, `email:${email}`].map((party) => ({
    name: "lookups",
    party,
    allowed: settings.LOOKUPS_PER_MINUTE,
    cost: 1,
  }));
