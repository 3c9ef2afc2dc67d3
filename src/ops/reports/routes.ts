import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { problem } from "../../platform/http/problem.ts";
import { createRouter, jsonContent, problems } from "../../platform/http/router.ts";
import { readReport } from "./make.ts";
import { dailyReportQuerySchema, dailyReportSchema } from "./schemas.ts";

const dailyRoute = createRoute({
  method: "get",
  path: "/reports/daily",
  permission: "reports:read",
  tags: ["Operations"],
  summary: "A day's orders, revenue, rates and inventory by store, in the shop's time zone",
  description: "Of a day that has begun; the figures of days that are over stay as they are.",
  request: { query: dailyReportQuerySchema },
  responses: { 200: jsonContent(dailyReportSchema, "The day"), ...problems("future_date") },
});

export const reportsRoutes = createRouter(
  endpoint(dailyRoute, async (c) => {
    const outcome = await readReport(c.get("context"), c.req.valid("query").date ?? null);
    switch (outcome.kind) {
      case "report":
        return c.json(outcome.report, 200);
      case "not_yet":
        return problem(c, {
          status: 422,
          code: "future_date",
          detail: `That day has not begun: it is ${outcome.today} there.`,
          errors: [{ field: "date", code: "future_date", message: "has not begun" }],
        });
    }
  }),
);
