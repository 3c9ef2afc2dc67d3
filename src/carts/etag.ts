import { allowedVersions } from "../platform/etag.ts";
import { sha256 } from "../platform/ids.ts";
import type { CartWire } from "./schemas.ts";

/**
 * What is shown of a cart changes without it: prices, stock, an order that dies. So its validator is the version and
 * what else is shown: `"3.0f1e2d3c4b5a6978"`. An If-Match looks at the version alone, which may also stand by itself.
 */
export async function cartTag(cart: CartWire): Promise<string> {
  return `"${cart.version}.${(await sha256(JSON.stringify(cart))).slice(0, 16)}"`;
}

/** The versions that an If-Match allows; null when any will do. */
export const allowedCarts = (ifMatch: string | undefined): number[] | null =>
  allowedVersions(ifMatch?.replaceAll(/(?<="\d{1,15})\.[0-9a-f]{16}(?=")/g, ""));

export const isSame = (ifNoneMatch: string | undefined, tag: string): boolean =>
  (ifNoneMatch ?? "").split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === tag);
