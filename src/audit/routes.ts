import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { invalidQuery, invalidRange, problem } from "../platform/http/problem.ts";
import { readRange } from "../platform/http/range.ts";
import { createRouter, jsonContent, problems } from "../platform/http/router.ts";
import { listAudit } from "./list.ts";
import { auditListSchema, auditQuerySchema } from "./schemas.ts";

const listRoute = createRoute({
  method: "get",
  path: "/audit-log",
  permission: "audit:read",
  tags: ["Operations"],
  summary: "Who of the shop's people and programs changed what",
  description: "The newest first. It is only ever added to, in the transaction of each change.",
  request: { query: auditQuerySchema },
  responses: { 200: jsonContent(auditListSchema, "A page of it"), ...problems("invalid_range") },
});

export const auditRoutes = createRouter(
  endpoint(listRoute, async (c) => {
    const context = c.get("context");
    const { from, to, ...query } = c.req.valid("query");
    if (query.object_id !== undefined && query.object_type === undefined) {
      const message = "needs object_type";
      return problem(c, invalidQuery([{ field: "object_id", code: "custom", message }]));
    }
    const asked = readRange({ from, to }, context.settings.TIME_ZONE);
    if (asked.kind === "reversed") return problem(c, invalidRange("to", "is before from"));
    return c.json(await listAudit(context, { ...query, ...asked.range }), 200);
  }),
);
