import { z } from "@hono/zod-openapi";
import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { forbidden, signedIn } from "../platform/http/permission-guard.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import { createRouter, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { toList } from "../platform/pagination.ts";
import { changeRole, createRole, deleteRole, listRoles, type RoleRefusal, renderRole } from "./roles.ts";
import { changeRoleSchema, newRoleSchema, roleListSchema, roleSchema } from "./schemas.ts";

const guarded = { tags: ["Accounts"], permission: "users" as const };
const params = z.object({
  name: z.string().openapi({ param: { name: "name", in: "path" }, example: "warehouse" }),
});

const listRoute = createRoute({
  ...guarded,
  method: "get",
  path: "/roles",
  summary: "What each role allows",
  description: "The roles that every shop has, then its own by name.",
  responses: { 200: jsonContent(roleListSchema, "All of them") },
});

const makeRoute = createRoute({
  ...guarded,
  method: "post",
  path: "/roles",
  summary: "Make a role of the shop's own",
  description: "Nobody gives a permission that they do not have.",
  request: { body: jsonBody(newRoleSchema) },
  responses: { 201: jsonContent(roleSchema, "Made"), ...problems("name_taken") },
});

const changeRoute = createRoute({
  ...guarded,
  method: "patch",
  path: "/roles/{name}",
  summary: "Change what a role allows",
  description: "At once, for everybody who has it.",
  request: { params, body: jsonBody(changeRoleSchema) },
  responses: { 200: jsonContent(roleSchema, "Changed"), ...problems("role_fixed") },
});

const deleteRoute = createRoute({
  ...guarded,
  method: "delete",
  path: "/roles/{name}",
  summary: "Delete a role that nobody has",
  description: "Give whoever has it another role first.",
  request: { params },
  responses: { 204: { description: "Deleted" }, ...problems("role_fixed", "role_in_use") },
});

const ROLE_FIXED: Problem = {
  status: 409,
  code: "role_fixed",
  detail: "Every shop has this role, and nobody changes it: make one of your own.",
};

const roleInUse = (users: number): Problem => ({
  status: 409,
  code: "role_in_use",
  detail: "Somebody has this role: give them another first.",
  users,
});

function refusedAs(refusal: RoleRefusal): Problem {
  switch (refusal.kind) {
    case "not_found":
      return notFound("role");
    case "fixed":
      return ROLE_FIXED;
    case "name_taken": {
      const message = "is another role's";
      const errors = [{ field: "name", code: "name_taken" as const, message }];
      return { status: 409, code: "name_taken", detail: "There is a role with this name.", errors };
    }
    case "beyond_yours":
      return {
        ...forbidden("Nobody gives or takes what they may not do themselves."),
        permissions: refusal.lacked,
      };
  }
}

/** Which roles there are, and what each allows. */
export const rolesRoutes = createRouter(
  endpoint(listRoute, async (c) => {
    const roles = await listRoles(c.get("context"));
    const all = { page: 1, page_size: roles.length };
    const cursorOf = () => ({ key: 0, id: "" });
    return c.json(toList(all, roles, roles.length, cursorOf, renderRole), 200);
  }),
  endpoint(makeRoute, async (c) => {
    const outcome = await createRole(c.get("context"), signedIn(c), c.req.valid("json"));
    if (outcome.kind !== "created") return problem(c, refusedAs(outcome));
    return c.json(renderRole(outcome.role), 201);
  }),
  endpoint(changeRoute, async (c) => {
    const { name } = c.req.valid("param");
    const outcome = await changeRole(c.get("context"), signedIn(c), name, c.req.valid("json").permissions);
    if (outcome.kind !== "changed") return problem(c, refusedAs(outcome));
    return c.json(renderRole(outcome.role), 200);
  }),
  endpoint(deleteRoute, async (c) => {
    const outcome = await deleteRole(c.get("context"), signedIn(c), c.req.valid("param").name);
    switch (outcome.kind) {
      case "deleted":
        return c.body(null, 204);
      case "in_use":
        return problem(c, roleInUse(outcome.users));
      default:
        return problem(c, refusedAs(outcome));
    }
  }),
);
