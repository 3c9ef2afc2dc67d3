/** The bindings of wrangler.toml. Settings are read through platform/settings.ts, never from here. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("./index.ts");
  }
  interface Env {
    DB: D1Database;
    CACHE: KVNamespace;
    /** Which upload of the Worker this is. */
    CF_VERSION_METADATA: WorkerVersionMetadata;
    ASSETS: Fetcher;
    EMAIL: SendEmail;
    FLOOD_GUARD: RateLimit;
    WEBHOOK_GUARD: RateLimit;
    STOCK: DurableObjectNamespace<import("./inventory/object/stock-object.ts").StockObject>;
    ORDER_DESK: DurableObjectNamespace<import("./orders/desk/desk-object.ts").OrderDeskObject>;
    RATE_LIMITER: DurableObjectNamespace;
    ORDERS_QUEUE: Queue;
    PAYMENTS_QUEUE: Queue;
    NOTIFICATIONS_QUEUE: Queue;
    INVENTORY_QUEUE: Queue;
    DEFAULT_QUEUE: Queue;
  }
}
