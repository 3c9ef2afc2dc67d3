import type { MiddlewareHandler } from "hono";
import { FIXED_ROLES } from "../permissions.ts";
import type { AppEnv } from "../platform/http/app-env.ts";
import { CHALLENGE_INVALID, INVALID_TOKEN } from "../platform/http/permission-guard.ts";
import { misconfigured, type Problem, problem } from "../platform/http/problem.ts";
import { RETRY_AFTER_RESTORE } from "../platform/http/restore-guard.ts";
import { sha256 } from "../platform/ids.ts";
import { verifyAccessToken } from "./access-token.ts";
import { API_KEY } from "./api-keys.ts";
import { readExternalToken } from "./external-token.ts";
import { findExternalUser } from "./external-user.ts";
import { keyRing } from "./keys.ts";

/**
 * Below these `Authorization` is ignored, so that a client that still sends its expired token can renew it, and since who
 * sends webhooks signs them.
 */
const IGNORING = ["/api/v1/auth/", "/api/v1/webhooks/"];

/** `Bearer`, or `JWT` as some older clients write it. */
const CREDENTIAL = /^(?:bearer|jwt) +(\S+)$/i;

const PROVIDER_AWAY: Problem = {
  status: 503,
  code: "identity_provider_unavailable",
  detail: "The server that gave this token cannot be asked for its keys just now.",
};

/** A read may be answered so too, which a restore does not stop otherwise. */
const NOBODY_NEW: Problem = {
  status: 503,
  code: "unavailable",
  detail: "The shop is being restored from a backup, and takes in nobody new until then.",
};

/**
 * Sets the context's actor from `Authorization`, as the token says; without it the actor stays a guest. Of a token of our own, D1 is
 * not asked: the guard of the route does that where it matters (./confirm-session.ts).
 */
export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const header = c.req.header("Authorization");
  if (header === undefined || IGNORING.some((path) => c.req.path.startsWith(path))) return next();

  const given = CREDENTIAL.exec(header.trim())?.[1];
  if (given !== undefined && API_KEY.test(given)) {
    c.set("apiKey", await sha256(given));
    return next();
  }

  const context = c.get("context");
  const keys = await keyRing(context.settings);
  if (keys.kind === "misconfigured") return problem(c, misconfiguredKey(keys.fault));

  const own = given ? await verifyAccessToken(keys.ring, given, context.clock.now()) : null;
  const external = own || !given ? null : await readExternalToken(context, given);
  if (external?.kind === "unavailable") return problem(c, PROVIDER_AWAY, { "Retry-After": "5" });
  const claims =
    external?.kind === "known"
      ? await findExternalUser(context, external.claims, c.req.header("User-Agent"))
      : own;
  if (claims === "restoring") return problem(c, NOBODY_NEW, RETRY_AFTER_RESTORE);
  if (!claims || claims === "refused") {
    c.set("badToken", problem(c, INVALID_TOKEN, CHALLENGE_INVALID));
    return next();
  }

  const permissions = FIXED_ROLES[claims.role] ?? [];
  const actor = { kind: "user" as const, name: claims.userId, permissions, restores: null, ...claims };
  c.set("context", { ...context, actor });
  return next();
};

/** Refuses a token that is not ours. It stands behind what counts requests: guessing tokens is counted against the address. */
export const refuseBadToken: MiddlewareHandler<AppEnv> = async (c, next) => c.get("badToken") ?? next();

export const misconfiguredKey = (fault: string): Problem =>
  misconfigured([{ setting: "JWT_PRIVATE_KEY", message: fault }]);
