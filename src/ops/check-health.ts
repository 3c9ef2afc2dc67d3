import { z } from "@hono/zod-openapi";
import { type Clock, systemClock } from "../platform/clock.ts";
import { createLog, describeError } from "../platform/log.ts";
import { readSettings } from "../platform/settings.ts";
import { first, sql } from "../platform/sql.ts";

const statusSchema = z.enum(["healthy", "degraded", "unhealthy"]);

const checkSchema = z.object({
  status: statusSchema,
  latency_ms: z.number(),
  /** What is wrong, in words fit for anyone; causes are in the log. Null when all is well. */
  detail: z.string().nullable(),
});

export const healthSchema = z
  .object({
    status: statusSchema.openapi({ description: "`unhealthy` when orders cannot be taken" }),
    checks: z.record(z.string(), checkSchema),
  })
  .openapi("Health");

type Check = z.infer<typeof checkSchema>;
type Health = z.infer<typeof healthSchema>;

/** A part that has not answered by then counts as down. */
const PATIENCE_MS = 2_000;

interface Part {
  /** What the whole is when this part is down: without the database no order can be taken, without KV it can. */
  whenDown: "degraded" | "unhealthy";
  /** Resolves with what is wrong, or null; rejects when the part is broken. */
  ask: (env: Cloudflare.Env) => Promise<string | null>;
}

const PARTS: Record<string, Part> = {
  settings: {
    whenDown: "unhealthy",
    ask: async (env) => {
      const read = readSettings(env);
      return read.kind === "valid" ? null : read.faults.map((fault) => fault.setting).join(", ");
    },
  },
  database: {
    whenDown: "unhealthy",
    ask: async (env) => {
      await first(env.DB, sql`SELECT 1`);
      return null;
    },
  },
  selling: {
    whenDown: "unhealthy",
    ask: async (env) => {
      const closed = await first(
        env.DB,
        sql<{ value: string }>`SELECT value FROM shop_state WHERE key = 'selling' AND value <> 'open'`,
      );
      if (closed === null) return null;
      return closed.value === "restoring" ? "the shop is being restored" : "selling is stopped";
    },
  },
  cache: {
    whenDown: "degraded",
    ask: async (env) => {
      await env.CACHE.get("health");
      return null;
    },
  },
};

/**
 * Asks each part, all at once. Needs no valid settings: it is there to say that they are wrong. Latencies are of
 * real time, whatever clock decides about orders.
 */
export async function checkHealth(env: Cloudflare.Env, clock: Clock = systemClock): Promise<Health> {
  const checks = await Promise.all(
    Object.entries(PARTS).map(async ([name, part]) => [name, await check(name, part, env, clock)] as const),
  );
  const found = checks.map(([, { status }]) => status);
  const status = found.includes("unhealthy")
    ? "unhealthy"
    : found.includes("degraded")
      ? "degraded"
      : "healthy";
  return { status, checks: Object.fromEntries(checks) };
}

async function check(name: string, part: Part, env: Cloudflare.Env, clock: Clock): Promise<Check> {
  const start = clock.now();
  const took = () => clock.now() - start;
  try {
    const late = clock.sleep(PATIENCE_MS).then(() => "did not answer in time");
    const detail = await Promise.race([part.ask(env), late]);
    return { status: detail === null ? "healthy" : part.whenDown, latency_ms: took(), detail };
  } catch (error) {
    createLog({ part: "health" }).error("a part is broken", { name, error: describeError(error) });
    return { status: part.whenDown, latency_ms: took(), detail: "does not answer" };
  }
}
