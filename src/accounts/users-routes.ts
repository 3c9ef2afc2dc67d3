import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import { bearer, createRouter, idParam, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { forbidden, requireAdmin, signedIn } from "./authenticate.ts";
import { accountListSchema, accountSchema, editUserSchema, listUsersSchema } from "./schemas.ts";
import { editUser, listUsers, renderAccount } from "./users.ts";

const guarded = { tags: ["Accounts"], security: bearer, middleware: [requireAdmin] };

const LAST_ADMIN: Problem = {
  status: 409,
  code: "last_admin",
  detail: "This is the last admin: make another one first.",
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
    "A disabled user is signed out and cannot sign in. Access tokens already given keep their role for 15 minutes at most.",
  request: { params: idParam("usr_01jcz4kq8rj2m5v0a7w9x3y6pd"), body: jsonBody(editUserSchema) },
  responses: { 200: jsonContent(accountSchema, "Changed"), ...problems("last_admin") },
});

/** All accounts, for admins. */
export const usersRoutes = createRouter(
  endpoint(listUsersRoute, async (c) => c.json(await listUsers(c.get("context"), c.req.valid("query")), 200)),
  endpoint(editUserRoute, async (c) => {
    const admin = signedIn(c).userId;
    const outcome = await editUser(c.get("context"), admin, c.req.valid("param").id, c.req.valid("json"));
    switch (outcome.kind) {
      case "edited":
        return c.json(renderAccount(outcome.user), 200);
      case "not_found":
        return problem(c, notFound("user"));
      case "last_admin":
        return problem(c, LAST_ADMIN);
      case "no_longer_admin":
        return problem(c, forbidden("You are no admin any more."));
    }
  }),
);
