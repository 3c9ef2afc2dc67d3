import manifest from "../package.json" with { type: "json" };
import { authenticate, refuseBadToken } from "./accounts/authenticate.ts";
import { sessionsAsTheyStand } from "./accounts/confirm-session.ts";
import { jwksRoutes } from "./accounts/jwks.ts";
import { accountsRoutes } from "./accounts/routes.ts";
import { auditedD1 } from "./audit/audited-d1.ts";
import { auditRoutes } from "./audit/routes.ts";
import { mergeCart } from "./carts/merge.ts";
import { cartsRoutes } from "./carts/routes.ts";
import { catalogRoutes } from "./catalog/routes.ts";
import type { StockPort } from "./catalog/stock-port.ts";
import { projectionRoutes } from "./inventory/projection/routes.ts";
import { inventoryRoutes } from "./inventory/routes.ts";
import { notificationsRoutes } from "./notifications/routes.ts";
import { restoreRoutes } from "./ops/backup/restore-routes.ts";
import { backupRoutes } from "./ops/backup/routes.ts";
import { jobsRoutes } from "./ops/jobs/routes.ts";
import { metricsRoutes } from "./ops/metrics/routes.ts";
import { reconcileRoutes } from "./ops/reconcile/routes.ts";
import { reportsRoutes } from "./ops/reports/routes.ts";
import { opsRoutes } from "./ops/routes.ts";
import { sellingRoutes } from "./ops/selling/routes.ts";
import { tasksRoutes } from "./ops/tasks/routes.ts";
import { bulkRoutes } from "./orders/bulk/routes.ts";
import { delayedRoutes } from "./orders/delayed/routes.ts";
import { fulfilmentRoutes } from "./orders/fulfilment/routes.ts";
import { linkRoutes } from "./orders/read/link-routes.ts";
import { orderPageRoutes } from "./orders/read/page-routes.ts";
import { storeOrdersRoutes } from "./orders/read/store-routes.ts";
import { ordersRoutes } from "./orders/routes.ts";
import { statisticsRoutes } from "./orders/statistics/routes.ts";
import { paymentEventRoutes } from "./payments/event-routes.ts";
import { flaggedEventsOf } from "./payments/list-events.ts";
import { paymentsOf } from "./payments/list-payments.ts";
import { oweRefund, refundsBy } from "./payments/owe-refund.ts";
import { refundRoutes } from "./payments/refund-routes.ts";
import { paymentsRoutes } from "./payments/routes.ts";
import { paymentWebhookRoutes } from "./payments/webhook-routes.ts";
import { Memory } from "./platform/cache/memory.ts";
import type { Clock } from "./platform/clock.ts";
import { bodyGuard } from "./platform/http/body-guard.ts";
import { crossOrigin } from "./platform/http/cors.ts";
import { docsRoutes } from "./platform/http/docs.ts";
import { answerError } from "./platform/http/errors.ts";
import { floodGuard } from "./platform/http/flood-guard.ts";
import { methodGuard } from "./platform/http/method-guard.ts";
import { describeApi } from "./platform/http/openapi.ts";
import { guardRoute } from "./platform/http/permission-guard.ts";
import { problem } from "./platform/http/problem.ts";
import { nameRequest, openContext } from "./platform/http/request-context.ts";
import { logRequests } from "./platform/http/request-log.ts";
import { restoreGuard } from "./platform/http/restore-guard.ts";
import { createRouter } from "./platform/http/router.ts";
import { apiHeaders } from "./platform/http/secure-headers.ts";
import { urlGuard } from "./platform/http/url-guard.ts";
import type { Ids } from "./platform/ids.ts";
import { privacyRoutes } from "./privacy/routes.ts";
import { API, REFERENCE } from "./reference.ts";

/** Signed by who sends them: they have no token, and a limit of their own. */
const WEBHOOKS = `${API}/webhooks/`;

export interface AppPorts {
  clock: Clock;
  ids: Ids;
  stock: StockPort;
  /** The isolate's cache of answers; a new one unless a test brings its own. */
  memory?: Memory;
}

/** The Hono app: middleware, where each room's routes are mounted, OpenAPI. */
export function createApp({ clock, ids, stock, memory = new Memory() }: AppPorts) {
  const app = createRouter();
  const { version, description } = manifest;

  app.use(nameRequest(ids), logRequests(clock), apiHeaders);
  app.use(openContext({ clock, ids, memory }, "/health"), crossOrigin(["X-Order-Token", "X-Cart-Token"]));
  // Whoever asks is known and counted before anything is done for them: before their body is read, and whatever is refused.
  app.use(`${API}/*`, authenticate);
  app.use(floodGuard(WEBHOOKS), refuseBadToken);
  app.route("/", opsRoutes);
  app.use(
    urlGuard(`${API}/search/`),
    methodGuard(app),
    guardRoute(sessionsAsTheyStand, auditedD1),
    bodyGuard,
  );

  const product = { name: "Holdfast", version, description };
  app.route("/", docsRoutes(product, describeApi(app, product, REFERENCE), { health: "/health", api: API }));
  app.route("/", jwksRoutes);
  app.route("/", metricsRoutes);
  // Mounted before this guard: a webhook checks for a restore itself.
  app.route(API, paymentWebhookRoutes);
  app.use(`${API}/*`, restoreGuard);
  app.route(API, accountsRoutes({ merge: mergeCart }));
  app.route(API, projectionRoutes);
  app.route(API, storeOrdersRoutes);
  app.route(API, catalogRoutes(stock));
  app.route(API, reconcileRoutes);
  app.route(API, sellingRoutes);
  app.route(API, backupRoutes);
  app.route(API, restoreRoutes);
  app.route(API, inventoryRoutes);
  app.route(API, delayedRoutes);
  app.route(API, statisticsRoutes);
  const refunding = { oweRefund, refundsBy };
  app.route(API, ordersRoutes(refunding));
  app.route(API, linkRoutes);
  app.route(API, bulkRoutes);
  app.route(API, fulfilmentRoutes(refunding));
  // Mounted after the routes whose paths it would take for the name of an order.
  app.route(API, orderPageRoutes({ paymentsOf, flaggedEventsOf }));
  app.route(API, cartsRoutes);
  app.route(API, paymentsRoutes);
  app.route(API, refundRoutes);
  app.route(API, paymentEventRoutes);
  app.route(API, privacyRoutes);
  app.route(API, notificationsRoutes);
  app.route(API, jobsRoutes);
  app.route(API, reportsRoutes);
  app.route(API, tasksRoutes);
  app.route(API, auditRoutes);

  app.onError(answerError);
  app.notFound((c) => problem(c, { status: 404, code: "not_found", detail: "There is nothing here." }));

  return app;
}
