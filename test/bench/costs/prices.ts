/** What Cloudflare's Workers Paid plan bills by use, beyond what it includes each month. */
export type Meter = keyof typeof PRICES;

/** When the prices were read from their sources. */
export const PRICED_ON = "2026-11-30";

const WORKERS = "https://developers.cloudflare.com/workers/platform/pricing/";
const OBJECTS = "https://developers.cloudflare.com/durable-objects/platform/pricing/";
const D1 = "https://developers.cloudflare.com/d1/platform/pricing/";
const QUEUES = "https://developers.cloudflare.com/queues/platform/pricing/";
const KV = "https://developers.cloudflare.com/kv/platform/pricing/";

/** Dollars for a million of each. */
export const PRICES = {
  /** Requests of clients. Runs of a queue's consumer are counted as such too, though the page does not say so. */
  worker_request: { name: "Worker requests", dollars: 0.3, source: WORKERS },
  worker_cpu_ms: { name: "CPU, ms", dollars: 0.02, source: WORKERS },
  /** Calls of an object, and its alarms. */
  object_request: { name: "object requests", dollars: 0.15, source: OBJECTS },
  object_gb_s: { name: "object duration, GB-s", dollars: 12.5, source: OBJECTS },
  object_row_read: { name: "object rows read", dollars: 0.001, source: OBJECTS },
  /** With each alarm that is set. */
  object_row_written: { name: "object rows written", dollars: 1, source: OBJECTS },
  d1_row_read: { name: "D1 rows read", dollars: 0.001, source: D1 },
  d1_row_written: { name: "D1 rows written", dollars: 1, source: D1 },
  /** For each 64 KB of a message one to write it, one to read it and one to delete it. */
  queue_operation: { name: "queue operations", dollars: 0.4, source: QUEUES },
  kv_read: { name: "KV reads", dollars: 0.5, source: KV },
  kv_write: { name: "KV writes", dollars: 5, source: KV },
} as const;

export const METERS = Object.keys(PRICES) as Meter[];

/** An object is billed for as much while it runs, whatever it uses. */
export const OBJECT_GB = 0.128;

/** What one message may have for one operation, bytes. */
export const QUEUE_CHUNK = 64_000;
