import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";

/** Who may call a route, at the least. */
export type Role = "user" | "staff" | "admin";

const roles = new WeakMap<object, Role>();

/** Says of a guard whom it lets through, so that OpenAPI need not be told again by each route that stands behind it. */
export function guardFor(role: Role, guard: MiddlewareHandler<AppEnv>): MiddlewareHandler<AppEnv> {
  roles.set(guard, role);
  return guard;
}

/** Whom the guards of a route let through; null where it has none. */
export const roleOf = (middleware: unknown): Role | null =>
  [middleware]
    .flat()
    .map((guard) => roles.get(guard as object))
    .find((role) => role !== undefined) ?? null;
