import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { CHALLENGE_INVALID, INVALID_TOKEN, signedIn } from "../platform/http/permission-guard.ts";
import { notFound, problem } from "../platform/http/problem.ts";
import { createRouter, idParam, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { limitedProblem } from "../platform/rate-limit/limit.ts";
import { changePassword } from "./change-password.ts";
import { commonPassword, tooManyAtOnce, wrongPassword } from "./problems.ts";
import {
  accountSchema,
  changePasswordSchema,
  cursorQuerySchema,
  editMeSchema,
  sessionListSchema,
} from "./schemas.ts";
import { endSession, endSessions, listSessions } from "./sessions.ts";
import { editMe, readMe, renderAccount } from "./users.ts";

const guarded = { tags: ["Accounts"], permission: "account" as const };

const readMeRoute = createRoute({
  ...guarded,
  method: "get",
  path: "/me",
  summary: "Your account",
  description: "Name, e-mail address and role of who asks.",
  responses: { 200: jsonContent(accountSchema, "As it is now") },
});

const editMeRoute = createRoute({
  ...guarded,
  method: "patch",
  path: "/me",
  summary: "Change your name",
  description: "What is left out stays as it is.",
  request: { body: jsonBody(editMeSchema) },
  responses: { 200: jsonContent(accountSchema, "Changed") },
});

const changePasswordRoute = createRoute({
  ...guarded,
  method: "post",
  path: "/me/password",
  summary: "Change your password",
  description: "Ends every other session.",
  request: { body: jsonBody(changePasswordSchema) },
  responses: {
    204: { description: "Changed" },
    ...problems("wrong_password", "common_password", "rate_limited"),
  },
});

const listSessionsRoute = createRoute({
  ...guarded,
  method: "get",
  path: "/me/sessions",
  summary: "Where you are signed in",
  description: "One for each sign-in that has not ended, with the program that signed in.",
  request: { query: cursorQuerySchema },
  responses: { 200: jsonContent(sessionListSchema, "The newest first") },
});

const endSessionsRoute = createRoute({
  ...guarded,
  method: "delete",
  path: "/me/sessions",
  summary: "Sign out everywhere",
  description: "Ends every session, also the one that asks: no refresh token works any more.",
  responses: { 204: { description: "Ended, this one included" } },
});

const endSessionRoute = createRoute({
  ...guarded,
  method: "delete",
  path: "/me/sessions/{id}",
  summary: "Sign out somewhere",
  description: "Ends one of your sessions: its refresh token works no more.",
  request: { params: idParam("ses_01jcz4kq8rj2m5v0a7w9x3y6pd") },
  responses: { 204: { description: "Ended" } },
});

/** A signed-in user's own account. */
export const meRoutes = createRouter(
  endpoint(readMeRoute, async (c) => {
    const me = await readMe(c.get("context"), signedIn(c).userId);
    return me ? c.json(renderAccount(me), 200) : problem(c, INVALID_TOKEN, CHALLENGE_INVALID);
  }),
  endpoint(editMeRoute, async (c) => {
    const me = await editMe(c.get("context"), signedIn(c).userId, c.req.valid("json"));
    return me ? c.json(renderAccount(me), 200) : problem(c, INVALID_TOKEN, CHALLENGE_INVALID);
  }),
  endpoint(changePasswordRoute, async (c) => {
    const outcome = await changePassword(c.get("context"), signedIn(c), c.req.valid("json"));
    switch (outcome.kind) {
      case "changed":
        return c.body(null, 204);
      case "wrong_password":
        return problem(c, wrongPassword("current_password"));
      case "common_password":
        return problem(c, commonPassword("new_password"));
      case "limited":
        return problem(c, limitedProblem(outcome), outcome.headers);
      case "too_many_at_once":
        return tooManyAtOnce(c, outcome);
      case "gone":
        return problem(c, INVALID_TOKEN, CHALLENGE_INVALID);
    }
  }),
  endpoint(listSessionsRoute, async (c) =>
    c.json(await listSessions(c.get("context"), signedIn(c), c.req.valid("query")), 200),
  ),
  endpoint(endSessionsRoute, async (c) => {
    await endSessions(c.get("context"), signedIn(c).userId);
    return c.body(null, 204);
  }),
  endpoint(endSessionRoute, async (c) => {
    const ended = await endSession(c.get("context"), signedIn(c).userId, c.req.valid("param").id);
    return ended ? c.body(null, 204) : problem(c, notFound("session"));
  }),
);
