import { authenticate } from "./accounts/authenticate.ts";
import { jwksRoutes } from "./accounts/jwks.ts";
import { accountsRoutes } from "./accounts/routes.ts";
import { catalogRoutes } from "./catalog/routes.ts";
import type { StockPort } from "./catalog/stock-port.ts";
import { inventoryRoutes } from "./inventory/routes.ts";
import { notificationsRoutes } from "./notifications/routes.ts";
import { opsRoutes } from "./ops/routes.ts";
import { ordersRoutes } from "./orders/routes.ts";
import { GUEST } from "./platform/actor.ts";
import { clientAddress } from "./platform/client-address.ts";
import type { Clock } from "./platform/clock.ts";
import { createRouter } from "./platform/http.ts";
import type { Ids } from "./platform/ids.ts";
import { createLog, describeError } from "./platform/log.ts";
import { problem } from "./platform/problem.ts";
import { readSettings } from "./platform/settings.ts";

export interface AppPorts {
  clock: Clock;
  ids: Ids;
  stock: StockPort;
}

/** The Hono app: middleware, where each room's routes are mounted, OpenAPI. */
export function createApp({ clock, ids, stock }: AppPorts) {
  const app = createRouter();

  app.use(async (c, next) => {
    const requestId = c.req.header("X-Request-Id") ?? ids.next();
    c.set("requestId", requestId);
    await next();
  });

  app.route("/", opsRoutes);

  app.use(async (c, next) => {
    const requestId = c.get("requestId");
    const read = readSettings(c.env);
    if (read.kind === "misconfigured") {
      return problem(c, {
        status: 503,
        code: "misconfigured",
        detail: "A setting is wrong.",
        errors: read.faults,
      });
    }
    c.set("operation", {
      env: c.env,
      settings: read.settings,
      clock,
      ids,
      log: createLog({ request_id: requestId }),
      actor: GUEST,
      address: clientAddress(c.req.raw),
      requestId,
      defer: (work) => c.executionCtx.waitUntil(work),
    });
    await next();
  });

  app.route("/", jwksRoutes);
  app.use("/api/v1/*", authenticate);
  app.route("/api/v1", accountsRoutes);
  app.route("/api/v1", catalogRoutes(stock));
  app.route("/api/v1", inventoryRoutes);
  app.route("/api/v1", ordersRoutes);
  app.route("/api/v1", notificationsRoutes);

  app.onError((error, c) => {
    createLog({ request_id: c.get("requestId") }).error("request failed", { error: describeError(error) });
    return problem(c, { status: 500, code: "internal_error", detail: "Something broke here." });
  });
  app.notFound((c) => problem(c, { status: 404, code: "not_found", detail: "There is nothing here." }));

  return app;
}
