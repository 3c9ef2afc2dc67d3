import type { Context as HonoContext } from "hono";
import type { Context } from "../platform/context.ts";
import type { AppEnv } from "../platform/http/app-env.ts";
import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { CHALLENGE } from "../platform/http/permission-guard.ts";
import { type Problem, problem } from "../platform/http/problem.ts";
import { createRouter, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { describeError } from "../platform/log.ts";
import { type Limit, limitedProblem, takeFrom } from "../platform/rate-limit/limit.ts";
import { misconfiguredKey } from "./authenticate.ts";
import { commonPassword, tooManyAtOnce } from "./problems.ts";
import { refresh } from "./refresh.ts";
import { register } from "./register.ts";
import {
  cartTokenHeader,
  refreshSchema,
  registerSchema,
  signedInSchema,
  signInSchema,
  tokensSchema,
} from "./schemas.ts";
import type { Tokens } from "./session.ts";
import { signOut } from "./sessions.ts";
import { type CartPort, signIn } from "./sign-in.ts";

const tags = ["Accounts"];

/** No cache may keep a credential (RFC 6749, 5.1). */
const NO_STORE = { "Cache-Control": "no-store" };

const EMAIL_TAKEN: Problem = {
  status: 409,
  code: "email_taken",
  detail: "There is an account with this e-mail address.",
  errors: [{ field: "email", code: "email_taken", message: "is taken" }],
};

const INVALID_CREDENTIALS: Problem = {
  status: 401,
  code: "invalid_credentials",
  detail: "The e-mail address or the password is wrong.",
};

const INVALID_REFRESH_TOKEN: Problem = {
  status: 401,
  code: "invalid_refresh_token",
  detail: "The refresh token is unknown, expired, used or revoked. Sign in again.",
};

const registerRoute = createRoute({
  method: "post",
  path: "/auth/register",
  permission: null,
  tags,
  summary: "Open a customer's account",
  description: "The answer signs the new customer in. A guest's cart comes along by `X-Cart-Token`.",
  request: { headers: cartTokenHeader, body: jsonBody(registerSchema) },
  responses: {
    201: jsonContent(signedInSchema, "Registered and signed in"),
    ...problems("email_taken", "common_password", "rate_limited"),
  },
});

const tokenRoute = createRoute({
  method: "post",
  path: "/auth/token",
  permission: null,
  // A long restore has to sign in again when its access token expires.
  needs: { whileRestoring: "let_through" },
  tags,
  summary: "Sign in",
  description:
    "The `access_token` goes into `Authorization: Bearer …` and is good for 15 minutes; the `refresh_token` gets the next one. A guest's cart comes along by `X-Cart-Token`. After some wrong passwords the next has to wait, a second at first and a quarter of an hour at most.",
  request: { headers: cartTokenHeader, body: jsonBody(signInSchema) },
  responses: {
    200: jsonContent(signedInSchema, "Signed in"),
    ...problems("invalid_credentials", "rate_limited"),
  },
});

const refreshRoute = createRoute({
  method: "post",
  path: "/auth/refresh",
  permission: null,
  tags,
  summary: "Renew the tokens",
  description: "A refresh token works once. One that comes back a second time ends its session.",
  request: { body: jsonBody(refreshSchema) },
  responses: { 200: jsonContent(tokensSchema, "Renewed"), ...problems("invalid_refresh_token") },
});

const logoutRoute = createRoute({
  method: "post",
  path: "/auth/logout",
  permission: null,
  tags,
  summary: "End the session of a refresh token",
  description:
    "Its refresh token works no more, and access tokens that it gave neither; only reading and filling carts goes on by them, for 15 minutes at most. An unknown token is answered in the same way.",
  request: { body: jsonBody(refreshSchema) },
  responses: { 204: { description: "Ended, or there was none" } },
});

const HOUR_MS = 3_600_000;

const registrationLimit = ({ address, settings }: Context): Limit => ({
  name: "registrations",
  party: `address:${address}`,
  allowed: settings.REGISTRATIONS_PER_HOUR,
  cost: 1,
  windowMs: HOUR_MS,
});

/** Signing in, renewing tokens and signing out. These routes ignore `Authorization`. */
export const authRoutes = (carts: CartPort) =>
  createRouter(
    endpoint(registerRoute, async (c) => {
      const context = c.get("context");
      const limited = await takeFrom(context, registrationLimit(context));
      if (limited.kind === "limited") return problem(c, limitedProblem(limited), limited.headers);
      const outcome = await register(context, c.req.valid("json"), c.req.header("User-Agent"));
      switch (outcome.kind) {
        case "registered":
          return c.json(await withCart(c, carts, outcome.tokens), 201, NO_STORE);
        case "email_taken":
          return problem(c, EMAIL_TAKEN);
        case "common_password":
          return problem(c, commonPassword("password"));
        case "too_many_at_once":
          return tooManyAtOnce(c, outcome);
        case "misconfigured":
          return problem(c, misconfiguredKey(outcome.fault));
      }
    }),
    endpoint(tokenRoute, async (c) => {
      const outcome = await signIn(c.get("context"), c.req.valid("json"), c.req.header("User-Agent"));
      switch (outcome.kind) {
        case "signed_in":
          return c.json(await withCart(c, carts, outcome.tokens), 200, NO_STORE);
        case "invalid_credentials":
          return problem(c, INVALID_CREDENTIALS, CHALLENGE);
        case "limited":
          return problem(c, limitedProblem(outcome), outcome.headers);
        case "too_many_at_once":
          return tooManyAtOnce(c, outcome);
        case "misconfigured":
          return problem(c, misconfiguredKey(outcome.fault));
      }
    }),
    endpoint(refreshRoute, async (c) => {
      const outcome = await refresh(c.get("context"), c.req.valid("json").refresh_token);
      switch (outcome.kind) {
        case "refreshed":
          return c.json(outcome.tokens, 200, NO_STORE);
        case "invalid_refresh_token":
          return problem(c, INVALID_REFRESH_TOKEN, CHALLENGE);
        case "misconfigured":
          return problem(c, misconfiguredKey(outcome.fault));
      }
    }),
    endpoint(logoutRoute, async (c) => {
      await signOut(c.get("context"), c.req.valid("json").refresh_token);
      return c.body(null, 204);
    }),
  );

/** Merges the guest's cart of `X-Cart-Token`. If that fails, the sign-in still succeeds: the token can be sent again. */
async function withCart(c: HonoContext<AppEnv>, carts: CartPort, tokens: Tokens) {
  const token = c.req.header("X-Cart-Token");
  if (!token) return tokens;
  const context = c.get("context");
  try {
    const cartId = await carts.merge(context, tokens.user.id, token);
    return cartId === null ? tokens : { ...tokens, cart_id: cartId };
  } catch (error) {
    context.log.error("a guest's cart could not be merged", { error: describeError(error) });
    return tokens;
  }
}
