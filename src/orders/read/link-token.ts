import { type KeyRing, keyRing } from "../../accounts/keys.ts";
import { type Purpose, signToken, verifyToken } from "../../accounts/signed-token.ts";
import type { Context } from "../../platform/context.ts";

/** How long the link of a mail shows its order. */
const LINK_DAYS = 90;
const LINK_SECONDS = LINK_DAYS * 86_400;

const LINK: Purpose = { audience: "holdfast/order-link", type: "order-link+jwt" };

/** A token that shows one order, for the link of a mail. It is stored nowhere, and cannot be revoked. */
export const signLinkToken = (
  { clock }: Pick<Context, "clock">,
  ring: KeyRing,
  orderId: string,
): Promise<string> =>
  signToken(ring, LINK, { subject: orderId }, { now: clock.now(), lifetimeSeconds: LINK_SECONDS });

/** The order that a token shows; null for everything else, such as a guest's own token, which has no dots. */
export async function orderOfLink(
  { clock, settings }: Pick<Context, "clock" | "settings">,
  token: string,
): Promise<string | null> {
  if (!token.includes(".")) return null;
  const result = await keyRing(settings);
  if (result.kind === "misconfigured") return null;
  const payload = await verifyToken(result.ring, LINK, token, clock.now());
  return payload?.sub ?? null;
}
