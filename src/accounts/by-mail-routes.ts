import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { CHALLENGE_INVALID, INVALID_TOKEN, signedIn } from "../platform/http/permission-guard.ts";
import { type Problem, problem } from "../platform/http/problem.ts";
import { createRouter, jsonBody, problems } from "../platform/http/router.ts";
import { limitedProblem, takeFrom, takeFromAll } from "../platform/rate-limit/limit.ts";
import { lookupLimits } from "../platform/rate-limit/lookup-limits.ts";
import { commonPassword, tooManyAtOnce } from "./problems.ts";
import { askForReset, resetPassword } from "./reset-password.ts";
import { askForResetSchema, resetPasswordSchema, verifyEmailSchema } from "./schemas.ts";
import { readMe } from "./users.ts";
import { askForVerification, verifyEmail } from "./verify-email.ts";

const tags = ["Accounts"];

const TOKEN_SPENT: Problem = {
  status: 422,
  code: "token_spent",
  detail: "The token is none of ours, or expired, or was used: ask for another mail.",
  errors: [{ field: "token", code: "token_spent", message: "works no more" }],
};

const askRoute = createRoute({
  method: "post",
  path: "/auth/password-reset",
  permission: null,
  tags,
  summary: "Have a mail sent by which a new password is set",
  description:
    "Where an account has this e-mail address, a mail with a token goes to it, one in five minutes. The answer is the same " +
    "whether or not there is one.",
  request: { body: jsonBody(askForResetSchema) },
  responses: { 202: { description: "Taken" }, ...problems("rate_limited") },
});

const confirmRoute = createRoute({
  method: "post",
  path: "/auth/password-reset/confirm",
  permission: null,
  tags,
  summary: "Set a new password by a mail's token",
  description: "The token works once, and for an hour. Every session of the account ends: sign in again.",
  request: { body: jsonBody(resetPasswordSchema) },
  responses: {
    204: { description: "Set" },
    ...problems("token_spent", "common_password", "rate_limited"),
  },
});

const verifyRoute = createRoute({
  method: "post",
  path: "/auth/verify-email",
  permission: null,
  tags,
  summary: "Verify an e-mail address by a mail's token",
  description: "The token is sent when an account is made, and is good for a week.",
  request: { body: jsonBody(verifyEmailSchema) },
  responses: { 204: { description: "Verified" }, ...problems("token_spent") },
});

const askToVerifyRoute = createRoute({
  method: "post",
  path: "/me/verify-email",
  permission: "account",
  tags,
  summary: "Have the mail sent again that verifies your address",
  description: "One in five minutes, and none where it is verified.",
  responses: { 202: { description: "Taken" }, ...problems("rate_limited") },
});

/** What is done by a token that came by mail: how somebody who lost their password gets in, and how an address is verified. */
export const byMailRoutes = createRouter(
  endpoint(askRoute, async (c) => {
    const context = c.get("context");
    const { email } = c.req.valid("json");
    const limited = await takeFromAll(context, lookupLimits(context, email));
    if (limited.kind === "limited") return problem(c, limitedProblem(limited), limited.headers);
    await askForReset(context, email);
    return c.body(null, 202, limited.headers);
  }),
  endpoint(confirmRoute, async (c) => {
    const context = c.get("context");
    const limited = await takeFrom(context, {
      name: "sign_ins",
      party: `address:${context.address}`,
      allowed: context.settings.SIGN_INS_PER_MINUTE,
      cost: 1,
    });
    if (limited.kind === "limited") return problem(c, limitedProblem(limited), limited.headers);
    const outcome = await resetPassword(context, c.req.valid("json"));
    switch (outcome.kind) {
      case "reset":
        return c.body(null, 204, limited.headers);
      case "token_spent":
        return problem(c, TOKEN_SPENT);
      case "common_password":
        return problem(c, commonPassword("password"));
      case "too_many_at_once":
        return tooManyAtOnce(c, outcome);
    }
  }),
  endpoint(verifyRoute, async (c) => {
    const outcome = await verifyEmail(c.get("context"), c.req.valid("json").token);
    return outcome.kind === "verified" ? c.body(null, 204) : problem(c, TOKEN_SPENT);
  }),
  endpoint(askToVerifyRoute, async (c) => {
    const context = c.get("context");
    const me = await readMe(context, signedIn(c).userId);
    if (!me) return problem(c, INVALID_TOKEN, CHALLENGE_INVALID);
    const limited = await takeFromAll(context, lookupLimits(context, me.email));
    if (limited.kind === "limited") return problem(c, limitedProblem(limited), limited.headers);
    await askForVerification(context, me.email);
    return c.body(null, 202, limited.headers);
  }),
);
