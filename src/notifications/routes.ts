import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../platform/http/app-env.ts";
import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { notFound, problem } from "../platform/http/problem.ts";
import { createRouter, jsonContent, problems } from "../platform/http/router.ts";
import { emailListSchema, emailQuerySchema, listEmails } from "./list-emails.ts";

/** E-mails are kept in development only; elsewhere this route does not exist, not even for admins. */
const localOnly: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.get("context").settings.ENVIRONMENT !== "development") return problem(c, notFound("page"));
  await next();
};

const listRoute = createRoute({
  method: "get",
  path: "/emails",
  permission: "mails",
  tags: ["Operations"],
  summary: "Mails that were sent, newest first (admin, local only)",
  description: "A developer's shop keeps its mails instead of sending them; any other shop answers 404.",
  middleware: [localOnly] as const,
  request: { query: emailQuerySchema },
  responses: {
    200: jsonContent(emailListSchema, "A page of mails"),
    ...problems("not_found"),
  },
});

export const notificationsRoutes = createRouter(
  endpoint(listRoute, async (c) => c.json(await listEmails(c.get("context"), c.req.valid("query")), 200)),
);
