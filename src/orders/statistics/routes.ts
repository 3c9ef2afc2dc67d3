import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { invalidRange, problem } from "../../platform/http/problem.ts";
import { readRange } from "../../platform/http/range.ts";
import { createRouter, jsonContent, problems } from "../../platform/http/router.ts";
import { readStatistics } from "./read.ts";
import { rebuildFigures } from "./rebuild.ts";
import { rebuildSchema, rebuiltSchema, statisticsQuerySchema, statisticsSchema } from "./schemas.ts";

const readRoute = createRoute({
  method: "get",
  path: "/orders/statistics",
  permission: "reports:read",
  tags: ["Orders"],
  summary: "What the orders come to: by status, revenue, rates, products that sell",
  description:
    "Of any range: days are added up when they are over, and until then the orders of each quarter of an hour are.",
  request: { query: statisticsQuerySchema },
  responses: { 200: jsonContent(statisticsSchema, "The figures"), ...problems("invalid_range") },
});

const rebuildRoute = createRoute({
  method: "post",
  path: "/orders/statistics/rebuild",
  permission: "shop",
  // A restore ends with it.
  needs: { whileRestoring: "let_through" },
  tags: ["Orders"],
  summary: "Make the figures again from the orders",
  description:
    "They are kept with each change of an order, so this is for after a hand has been at the database; a restore does " +
    "it by itself. Goes as far as one request may: send `next` as `after` until it is null. Orders go on meanwhile.",
  request: { body: { required: false, content: { "application/json": { schema: rebuildSchema } } } },
  responses: { 200: jsonContent(rebuiltSchema, "How far it got") },
});

/** Mounted before the orders' own routes, which would take `statistics` for an order's name. */
export const statisticsRoutes = createRouter(
  endpoint(readRoute, async (c) => {
    const context = c.get("context");
    const asked = readRange(c.req.valid("query"), context.settings.TIME_ZONE);
    if (asked.kind === "reversed") return problem(c, invalidRange("to", "is before from"));
    const outcome = await readStatistics(context, asked.range);
    switch (outcome.kind) {
      case "statistics":
        return c.json(outcome.statistics, 200);
      case "backwards":
        return problem(c, invalidRange("to", "is before from"));
    }
  }),
  endpoint(rebuildRoute, async (c) => {
    // No body is an empty one.
    const { after }: { after?: string | undefined } = c.req.valid("json") ?? {};
    return c.json(await rebuildFigures(c.get("context"), after ?? null), 200);
  }),
);
