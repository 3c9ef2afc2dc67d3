import type { Context as HonoContext, MiddlewareHandler, Next } from "hono";
import type { Permission } from "../../permissions.ts";
import { type Actor, may, type UserActor } from "../actor.ts";
import type { Context } from "../context.ts";
import type { AppEnv } from "./app-env.ts";
import type { Needs } from "./needs.ts";
import { type Problem, problem } from "./problem.ts";

/** Who looks at a token's session as it stands. Null: it has ended, or gives another role by now. */
export type ConfirmSession = (context: Context, actor: UserActor) => Promise<UserActor | null>;

export const CHALLENGE = { "WWW-Authenticate": "Bearer" };
export const CHALLENGE_INVALID = { "WWW-Authenticate": 'Bearer error="invalid_token"' };

export const INVALID_TOKEN: Problem = {
  status: 401,
  code: "invalid_token",
  detail: "The access token is malformed, expired, or not ours.",
};

export const SESSION_ENDED: Problem = {
  status: 401,
  code: "invalid_token",
  detail: "Its session has ended, or its user has another role by now: renew the token, or sign in.",
};

const UNAUTHENTICATED: Problem = { status: 401, code: "unauthenticated", detail: "Sign in first." };

export const forbidden = (detail: string): Problem => ({ status: 403, code: "forbidden", detail });

export const lacks = (permission: Permission): Problem => ({
  ...forbidden(`This needs the permission ${permission}.`),
  permission,
});

/**
 * Asks, before the body is read, whether the caller has the permission that the route names, and whether their session
 * still stands: a token says who they were when it was made. Only what a customer reads, and what the route says, is done
 * by the token alone.
 */
export const guardRoute =
  (confirm: ConfirmSession): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const needs = c.get("route")?.needs;
    if (!needs) return next();
    const context = c.get("context");
    const { actor } = context;
    const { permission } = needs;
    if (actor.kind === "user" && !isTrusted(actor, needs, c.req.method)) {
      const confirmed = await confirm(context, actor);
      if (confirmed === null) return problem(c, SESSION_ENDED, CHALLENGE_INVALID);
      c.set("context", { ...context, actor: confirmed });
    }
    if (permission !== null) {
      const refusal = refusalOf(c, permission);
      if (refusal !== null) return refusal;
      c.set("passed", permission);
    }
    return next();
  };

function isTrusted({ role, restores }: UserActor, { permission, session }: Needs, method: string): boolean {
  if (role !== "customer" || restores !== null) return false;
  if (session !== undefined) return session !== "guard";
  return permission === null && (method === "GET" || method === "HEAD");
}

/** For a part of a route that needs more than the route does. */
export async function requirePermission(c: HonoContext<AppEnv>, permission: Permission, next: Next) {
  return refusalOf(c, permission) ?? next();
}

function refusalOf(c: HonoContext<AppEnv>, permission: Permission): Response | null {
  const { actor } = c.get("context");
  if (actor.kind === "guest") return problem(c, UNAUTHENTICATED, CHALLENGE);
  return may(actor, permission) ? null : problem(c, lacks(permission));
}

/** The signed-in user, for routes that name a permission. */
export function signedIn(c: HonoContext<AppEnv>): Extract<Actor, { kind: "user" }> {
  const { actor } = c.get("context");
  if (actor.kind !== "user") throw new Error("a route that needs a user names no permission");
  return actor;
}
