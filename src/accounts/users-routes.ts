import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { CHALLENGE_INVALID, forbidden, SESSION_ENDED, signedIn } from "../platform/http/permission-guard.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import { createRouter, idParam, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { accountListSchema, accountSchema, editUserSchema, listUsersSchema } from "./schemas.ts";
import { editUser, listUsers, renderAccount } from "./users.ts";

const guarded = { tags: ["Accounts"], permission: "users" as const };

const LAST_ADMIN: Problem = {
  status: 409,
  code: "last_admin",
  detail: "This is the last admin: make another one first.",
};

const UNKNOWN_ROLE: Problem = {
  status: 422,
  code: "unknown_role",
  detail: "There is no such role.",
  errors: [{ field: "role", code: "unknown_role", message: "names no role" }],
};

const listUsersRoute = createRoute({
  ...guarded,
  method: "get",
  path: "/users",
  summary: "All accounts",
  description: "Newest first; `email` finds one.",
  request: { query: listUsersSchema },
  responses: { 200: jsonContent(accountListSchema, "The newest first") },
});

const editUserRoute = createRoute({
  ...guarded,
  method: "patch",
  path: "/users/{id}",
  summary: "Give a role, disable or enable, say what a customer may do",
  description:
    "A disabled user is signed out at once and cannot sign in. Who has another role renews the token first. Nobody changes who may do more than they.",
  request: { params: idParam("usr_01jcz4kq8rj2m5v0a7w9x3y6pd"), body: jsonBody(editUserSchema) },
  responses: { 200: jsonContent(accountSchema, "Changed"), ...problems("last_admin", "unknown_role") },
});

/** All accounts, for admins. */
export const usersRoutes = createRouter(
  endpoint(listUsersRoute, async (c) => c.json(await listUsers(c.get("context"), c.req.valid("query")), 200)),
  endpoint(editUserRoute, async (c) => {
    const outcome = await editUser(
      c.get("context"),
      signedIn(c),
      c.req.valid("param").id,
      c.req.valid("json"),
    );
    switch (outcome.kind) {
      case "edited":
        return c.json(renderAccount(outcome.user), 200);
      case "not_found":
        return problem(c, notFound("user"));
      case "last_admin":
        return problem(c, LAST_ADMIN);
      case "unknown_role":
        return problem(c, UNKNOWN_ROLE);
      case "beyond_yours":
        return problem(c, forbidden("This account or role may do more than you."));
      case "session_ended":
        return problem(c, SESSION_ENDED, CHALLENGE_INVALID);
    }
  }),
);
