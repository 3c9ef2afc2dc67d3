import type { Settings } from "../platform/settings.ts";

/** The URL of a path of the storefront, `/orders/…`; null where the shop says not where it is. */
export const inShop = ({ SHOP_URL }: Settings, path: string): string | null =>
  SHOP_URL === undefined ? null : `${SHOP_URL.replace(/\/+$/, "")}${path}`;
