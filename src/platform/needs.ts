import type { H } from "hono/types";

/** What a route needs of the guards before it, said where the route is declared. */
export interface Needs {
  /** Bytes that its body may have. */
  bodyLimit: number;
  /** Of a signed body only the size is looked at before the route: the signature is to judge it first, byte for byte. */
  signedBody: boolean;
  /** Whether it runs while a backup overwrites the shop. What only reads does in any case. */
  whileRestoring: "refused" | "let_through";
}

const MEGABYTE = 1_048_576;
/** For lists of many things to be written at once. */
export const BULK_BODY_LIMIT = 8 * MEGABYTE;

/** Of a route that says nothing else. */
export const USUAL: Needs = { bodyLimit: MEGABYTE, signedBody: false, whileRestoring: "refused" };

const declared = new WeakMap<H, Needs>();

/** Declares what the route needs that this handler answers. */
export function withNeeds<Handler extends H>(needs: Partial<Needs>, handler: Handler): Handler {
  declared.set(handler, { ...USUAL, ...needs });
  return handler;
}

/** Undefined where nothing was declared, as of middleware. */
export const needsOf = (handler: H): Needs | undefined => declared.get(handler);
