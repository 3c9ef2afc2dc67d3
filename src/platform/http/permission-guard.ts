import type { Context as HonoContext, MiddlewareHandler, Next } from "hono";
import { type Needed, OWN, type Permission } from "../../permissions.ts";
import { type Actor, isStaff, type KeyActor, may, type UserActor } from "../actor.ts";
import type { Context } from "../context.ts";
import { CheckFailed, type JoinedCheck, withDb } from "../joined-check.ts";
import type { AppEnv } from "./app-env.ts";
import { rememberKey } from "./known-keys.ts";
import type { Needs } from "./needs.ts";
import { type Problem, problem } from "./problem.ts";

/** Who looks at a token's session as it stands. */
export interface Sessions {
  /** Now. Null: it has ended, or its user has another role by now. */
  confirm(context: Context, actor: UserActor): Promise<UserActor | null>;
  /** Who has the API key of this hash. Null: there is none, or no more. */
  confirmKey(context: Context, hash: string): Promise<KeyActor | null>;
  /** With the first call to D1; null where what the role allows must be read first. */
  join(context: Context, actor: UserActor): JoinedCheck | null;
}

/** D1 in which changes are written down as this actor's. */
export type Audit = (db: D1Database, context: Context) => D1Database;

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
  (sessions: Sessions, audit: Audit): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const needs = c.get("route")?.needs;
    if (!needs) return next();
    const asker = await whoAsks(c, needs, sessions);
    if (asker.kind === "refused") return asker.answer;
    const { context, check } = asker;
    const reads = isRead(c.req.method);
    const written = !reads && needs.audited && isStaff(context.actor);
    const db = written ? audit(context.env.DB, context) : context.env.DB;
    const env = check
      ? joinedEnv(context.env, check, db, reads)
      : written
        ? withDb(context.env, db)
        : context.env;
    c.set("context", { ...context, env });

    const { permission } = needs;
    if (permission !== null) {
      const refusal = refusalOf(c, permission);
      // Whose session has ended is told that, and not what they may not.
      if (refusal !== null) return check && !(await stands(check)) ? sessionEnded(c) : refusal;
      c.set("passed", permission);
    }
    await next();
    if (check && !(await stands(check))) {
      c.res = undefined;
      c.res = sessionEnded(c);
    }
  };

type Asker =
  /** `check`: whether their session stands is still to be asked. */
  { kind: "known"; context: Context; check: JoinedCheck | null } | { kind: "refused"; answer: Response };

async function whoAsks(c: HonoContext<AppEnv>, needs: Needs, sessions: Sessions): Promise<Asker> {
  const context = c.get("context");
  const { actor } = context;
  const apiKey = c.get("apiKey");
  if (apiKey !== undefined) {
    const key = await sessions.confirmKey(context, apiKey);
    if (key === null) return { kind: "refused", answer: problem(c, INVALID_TOKEN, CHALLENGE_INVALID) };
    rememberKey(context.env, apiKey);
    return { kind: "known", context: { ...context, actor: key }, check: null };
  }
  const when = actor.kind === "user" ? whenToLook(actor, needs, c.req.method) : "never";
  if (actor.kind !== "user" || when === "never") return { kind: "known", context, check: null };
  const check = when === "first_call" ? sessions.join(context, actor) : null;
  if (check) return { kind: "known", context, check };
  const confirmed = await sessions.confirm(context, actor);
  if (confirmed === null) return { kind: "refused", answer: sessionEnded(c) };
  return { kind: "known", context: { ...context, actor: confirmed }, check: null };
}

/** What writes may turn to a Durable Object only once D1 was asked. */
function joinedEnv(env: Cloudflare.Env, check: JoinedCheck, db: D1Database, reads: boolean): Cloudflare.Env {
  const joined = withDb(env, check.joinedTo(db));
  if (reads) return joined;
  for (const [name, binding] of Object.entries(env)) {
    if (typeof binding !== "object" || !("idFromName" in binding)) continue;
    const get = () => {
      if (check.isOpen) throw new Error(`${name} was asked before the session was looked at`);
      return binding;
    };
    Object.defineProperty(joined, name, { get });
  }
  return joined;
}

const sessionEnded = (c: HonoContext<AppEnv>) => problem(c, SESSION_ENDED, CHALLENGE_INVALID);

async function stands(check: JoinedCheck): Promise<boolean> {
  try {
    await check.settle();
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
  }
  return !check.failed;
}

const isRead = (method: string): boolean => method === "GET" || method === "HEAD";

function whenToLook(
  { role, restores }: UserActor,
  { permission, session }: Needs,
  method: string,
): "before" | "first_call" | "never" {
  const reads = isRead(method);
  const byDefault = reads ? "first_call" : "before";
  if (restores !== null) return "before";
  if (role === "customer") {
    if (session === "by_handler" || session === "never") return "never";
    return session ?? (reads && permission === null ? "never" : byDefault);
  }
  return session === "first_call" ? "first_call" : byDefault;
}

/** For a part of a route that needs more than the route does. */
export async function requirePermission(c: HonoContext<AppEnv>, permission: Needed, next: Next) {
  return refusalOf(c, permission) ?? next();
}

function refusalOf(c: HonoContext<AppEnv>, permission: Needed): Response | null {
  const { actor } = c.get("context");
  if (actor.kind === "guest") return problem(c, UNAUTHENTICATED, CHALLENGE);
  const named = [permission].flat();
  return named.some((one) => may(actor, one)) ? null : problem(c, lacks(named.at(-1) ?? OWN));
}

/** The signed-in user, for routes that name a permission. */
export function signedIn(c: HonoContext<AppEnv>): Extract<Actor, { kind: "user" }> {
  const { actor } = c.get("context");
  if (actor.kind !== "user") throw new Error("a route that needs a user names no permission");
  return actor;
}
