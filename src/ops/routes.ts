import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { createRouter, jsonContent } from "../platform/http/router.ts";
import { checkHealth, healthSchema } from "./check-health.ts";

const healthRoute = (path: "/health" | "/health/ready") =>
  createRoute({
    method: "get",
    path,
    permission: null,
    tags: ["Operations"],
    summary: path === "/health" ? "Whether the shop is well" : "Whether the shop can take orders",
    description: "Each part by name. The answer is a 503 where no order can be taken.",
    responses: {
      200: jsonContent(healthSchema, "Orders can be taken"),
      503: jsonContent(healthSchema, "Orders cannot be taken"),
    },
  });

/** To be mounted at the root, and before what needs settings, because it says which settings are wrong. */
export const opsRoutes = createRouter(
  ...(["/health", "/health/ready"] as const).map((path) =>
    endpoint(healthRoute(path), async (c) => {
      const health = await checkHealth(c.env);
      c.header("Cache-Control", "no-store");
      return c.json(health, health.status === "unhealthy" ? 503 : 200);
    }),
  ),
);
