import type { H } from "hono/types";
import type { Needed } from "../../permissions.ts";

/** What a route needs from the guards before it. */
export interface Needs {
  /** The largest body that it takes; bytes. */
  bodyLimit: number;
  /** The largest that it takes of a guest, where that is less; bytes. */
  guestBodyLimit: number | null;
  /** What the caller must be allowed; null where anybody may call. `endpoint` takes it from the route. */
  permission: Needed | null;
  /**
   * When it is looked at whether the caller's session still stands:
   *
   * - `before` the handler, by the guard: what writes, if it says nothing else;
   * - `first_call`: with the handler's first call to D1, before which it does nothing that stays; all that reads;
   * - `by_handler`: of a customer by the handler, in a call of its own; of others `before`;
   * - `never` of a customer, since a token that lives for minutes is enough; of others as by default. So it is where
   *   anybody may read.
   */
  session: "before" | "first_call" | "by_handler" | "never" | undefined;
  /** Whether what it changes is written down with who asked. A restore says it once, and not of each row. */
  audited: boolean;
  /** The guard checks only the size of a signed body: the route must first verify the signature over the very bytes. */
  signedBody: boolean;
  /** Whether a body may hold text that D1 would change: a restore writes back what stood there, whatever that is. */
  anyText: boolean;
  /** Whether it runs while a backup overwrites the shop. Routes that only read always do. */
  whileRestoring: "refused" | "let_through";
}

export const BODY_LIMIT_BYTES = 1_048_576;
/** For routes that write many things at once. */
export const BULK_BODY_LIMIT_BYTES = 8 * BODY_LIMIT_BYTES;

export const DEFAULT_NEEDS: Needs = {
  bodyLimit: BODY_LIMIT_BYTES,
  guestBodyLimit: null,
  permission: null,
  session: undefined,
  audited: true,
  signedBody: false,
  anyText: false,
  whileRestoring: "refused",
};

const declared = new WeakMap<H, Needs>();

/** Declares the needs of the route that has this handler. */
export function withNeeds<Handler extends H>(needs: Partial<Needs>, handler: Handler): Handler {
  declared.set(handler, { ...DEFAULT_NEEDS, ...needs });
  return handler;
}

/** Undefined where nothing was declared, as for middleware. */
export const needsOf = (handler: H): Needs | undefined => declared.get(handler);
