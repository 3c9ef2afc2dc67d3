import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { type Actor, isAdmin, isStaff } from "../platform/actor.ts";
import type { AppEnv } from "../platform/http/app-env.ts";
import { misconfigured, type Problem, problem } from "../platform/http/problem.ts";
import { guardFor, type Role } from "../platform/http/role.ts";
import { verifyAccessToken } from "./access-token.ts";
import { keyRing } from "./keys.ts";

export const CHALLENGE = { "WWW-Authenticate": "Bearer" };
export const CHALLENGE_INVALID = { "WWW-Authenticate": 'Bearer error="invalid_token"' };

export const INVALID_TOKEN: Problem = {
  status: 401,
  code: "invalid_token",
  detail: "The access token is malformed, expired, or not ours.",
};
const UNAUTHENTICATED: Problem = { status: 401, code: "unauthenticated", detail: "Sign in first." };

/**
 * Below these `Authorization` is ignored, so that a client that still sends its expired token can renew it, and since who
 * sends webhooks signs them.
 */
const IGNORING = ["/api/v1/auth/", "/api/v1/webhooks/"];

/** `Bearer`, or `JWT` as some older clients write it. */
const CREDENTIAL = /^(?:bearer|jwt) +(\S+)$/i;

/**
 * Sets the context's actor from `Authorization`; without it the actor stays a guest. D1 is not asked, so a disabled or
 * demoted user keeps the old rights until the access token expires, 15 minutes at most. Each renewal reads the user's row.
 */
export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const header = c.req.header("Authorization");
  if (header === undefined || IGNORING.some((path) => c.req.path.startsWith(path))) return next();

  const context = c.get("context");
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return problem(c, misconfiguredKey(keys.fault));

  const token = CREDENTIAL.exec(header.trim())?.[1];
  const claims = token ? await verifyAccessToken(keys.ring, token, context.clock.now()) : null;
  if (!claims) {
    c.set("badToken", problem(c, INVALID_TOKEN, CHALLENGE_INVALID));
    return next();
  }

  const { userId, role, sessionId } = claims;
  c.set("context", { ...context, actor: { kind: "user", name: userId, userId, role, sessionId } });
  return next();
};

/** Refuses a token that is not ours. It stands behind what counts requests: guessing tokens is counted against the address. */
export const refuseBadToken: MiddlewareHandler<AppEnv> = async (c, next) => c.get("badToken") ?? next();

export const forbidden = (detail: string): Problem => ({ status: 403, code: "forbidden", detail });

export const misconfiguredKey = (fault: string): Problem =>
  misconfigured([{ setting: "JWT_PRIVATE_KEY", message: fault }]);

/** Requires a signed-in user; 401 otherwise. */
export const requireUser = requireActor("user", () => true, "");
/** Requires staff or an admin; 401 or 403 otherwise. */
export const requireStaff = requireActor("staff", isStaff, "This is for staff.");
/** Requires an admin; 401 or 403 otherwise. */
export const requireAdmin = requireActor("admin", isAdmin, "This is for admins.");

function requireActor(
  role: Role,
  allowed: (actor: Actor) => boolean,
  refusal: string,
): MiddlewareHandler<AppEnv> {
  return guardFor(role, async (c, next) => {
    const { actor } = c.get("context");
    if (actor.kind === "guest") return problem(c, UNAUTHENTICATED, CHALLENGE);
    if (!allowed(actor)) return problem(c, forbidden(refusal));
    return next();
  });
}

/** The signed-in user, for routes behind `requireUser`, `requireStaff` or `requireAdmin`. */
export function signedIn(c: HonoContext<AppEnv>): Extract<Actor, { kind: "user" }> {
  const { actor } = c.get("context");
  if (actor.kind !== "user") throw new Error("a route that needs a user has no guard");
  return actor;
}
