import { keyRing } from "../accounts/keys.ts";
import { signLinkToken } from "../orders/read/link-token.ts";
import type { Context } from "../platform/context.ts";
import { inShop } from "./in-shop.ts";

/**
 * Where the customer of an order can see it, for a mail: by ORDER_URL, else in the shop at SHOP_URL, else on the API's own page
 * where it is known by which host that is reached. Null where none is: then the mail has no link.
 */
export async function orderLink(context: Context, orderId: string): Promise<string | null> {
  const { ORDER_URL, ALLOWED_HOSTS } = context.settings;
  const host = ALLOWED_HOSTS.find((name) => name !== "*");
  const own = host === undefined ? null : `https://${host}/api/v1/orders/{order_id}/page?token={token}`;
  const template = ORDER_URL ?? inShop(context.settings, "/orders/{order_id}?token={token}") ?? own;
  if (template === null) return null;
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return null;
  const token = await signLinkToken(context, keys.ring, orderId);
  return template.replaceAll("{order_id}", encodeURIComponent(orderId)).replaceAll("{token}", token);
}
