import { z } from "@hono/zod-openapi";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { CHALLENGE, forbidden } from "../../platform/http/permission-guard.ts";
import { type Problem, problem } from "../../platform/http/problem.ts";
import { createRouter, problems } from "../../platform/http/router.ts";
import { TEXT_FORMAT, writeMetrics } from "./exposition.ts";
import { mayRead } from "./may-read.ts";
import { readMetrics } from "./read.ts";

const WRONG_TOKEN: Problem = {
  status: 401,
  code: "unauthenticated",
  detail: "The metrics need `Authorization: Bearer` and METRICS_TOKEN.",
};

const METRICS_TOKEN: Record<string, string[]>[] = [{ metrics: [] }, {}];

const metricsRoute = createRoute({
  method: "get",
  path: "/metrics",
  permission: null,
  tags: ["Operations"],
  summary: "Metrics for Prometheus",
  security: METRICS_TOKEN,
  description:
    "Needs `METRICS_TOKEN` as the bearer token where it is set. Where it is not, anyone in development may read them, " +
    "and nobody in production.",
  responses: {
    200: {
      description: "Prometheus' text format, version 0.0.4",
      content: {
        "text/plain": { schema: z.string().openapi({ example: 'orders_total{status="pending"} 3\n' }) },
      },
    },
    ...problems("unauthenticated", "forbidden"),
  },
});

/** To be mounted at the root. It has a token of its own, because a scraper has no account. */
export const metricsRoutes = createRouter(
  endpoint(metricsRoute, async (c) => {
    const context = c.get("context");
    const read = await mayRead(context.settings, c.req.header("Authorization"));
    switch (read.kind) {
      case "allowed":
        return c.text(writeMetrics(await readMetrics(context)), 200, { "Content-Type": TEXT_FORMAT });
      case "wrong_token":
        return problem(c, WRONG_TOKEN, CHALLENGE);
      case "closed":
        return problem(c, forbidden("METRICS_TOKEN is not set: nobody may read the metrics."));
    }
  }),
);
