import { z } from "@hono/zod-openapi";
import { keyRing } from "../accounts/keys.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { DATABASE_LIMIT_BYTES } from "../platform/d1.ts";
import { createLog, describeError } from "../platform/log.ts";
import { readSettings } from "../platform/settings.ts";
import { databaseBytes, first, sql } from "../platform/sql.ts";

const statusSchema = z.enum(["healthy", "degraded", "unhealthy"]);

const checkSchema = z.object({
  status: statusSchema,
  latency_ms: z.number(),
  /** What is wrong, in words that anyone may read; the cause is in the log. Null when nothing is. */
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

/** The part of its largest size from which a database needs somebody to look after it: docs/DESIGN.md, "Limits of size". */
const WARN_FROM = 0.8;

/** A part that has not answered after this counts as down. */
const TIMEOUT_MS = 2_000;

interface Part {
  /** The status of the whole when this part is down: `unhealthy` if no order can be taken without it. */
  whenDown: "degraded" | "unhealthy";
  /** Resolves with what is wrong, or null; rejects if the part does not answer. */
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
  sign_in: {
    whenDown: "unhealthy",
    ask: async (env) => {
      const read = readSettings(env);
      if (read.kind !== "valid") return "the settings are wrong";
      const ring = await keyRing(read.settings);
      return ring.kind === "ready" ? null : `JWT_PRIVATE_KEY ${ring.fault}`;
    },
  },
  database: {
    whenDown: "unhealthy",
    ask: (env) => first(env.DB, sql`SELECT 1`).then(() => null),
  },
  capacity: {
    whenDown: "degraded",
    ask: async (env) => {
      const used = (await databaseBytes(env.DB)) / DATABASE_LIMIT_BYTES;
      return used < WARN_FROM ? null : `the database is ${Math.floor(used * 100)} % full`;
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
    ask: (env) => env.CACHE.get("health").then(() => null),
  },
};

/**
 * Checks all parts at once. It works without valid settings, since it must be able to say that they are wrong. It measures
 * by the real clock, even where orders go by another.
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
    const late = clock.sleep(TIMEOUT_MS).then(() => "did not answer in time");
    const detail = await Promise.race([part.ask(env), late]);
    return { status: detail === null ? "healthy" : part.whenDown, latency_ms: took(), detail };
  } catch (error) {
    createLog({ part: "health" }).error("a part is broken", { name, error: describeError(error) });
    return { status: part.whenDown, latency_ms: took(), detail: "does not answer" };
  }
}
