import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";

/** Who may call a route, at the least. */
export type Role = "user" | "staff" | "admin";

const roles = new WeakMap<object, Role>();

/**
 * Says of a guard whom it lets through, so that OpenAPI need not be told again by each route that stands behind it. Whom it
 * has let through before the body was read it does not ask again.
 */
export function guardFor(role: Role, check: MiddlewareHandler<AppEnv>): MiddlewareHandler<AppEnv> {
  const guard: MiddlewareHandler<AppEnv> = (c, next) => (c.get("passed") === guard ? next() : check(c, next));
  roles.set(guard, role);
  return guard;
}

/** The guard among the middleware of a route. */
export const guardOf = (middleware: unknown): MiddlewareHandler<AppEnv> | null =>
  ([middleware].flat() as MiddlewareHandler<AppEnv>[]).find((one) => roles.has(one)) ?? null;

/** Asks the guard of the route before the body is read. It stands in the route too, and is there not asked again. */
export const guardRoute: MiddlewareHandler<AppEnv> = async (c, next) => {
  const guard = c.get("route")?.needs.guard;
  if (!guard) return next();
  return guard(c, () => {
    c.set("passed", guard);
    return next();
  });
};

/** Whom the guards of a route let through; null where it has none. */
export const roleOf = (middleware: unknown): Role | null => roles.get(guardOf(middleware) as object) ?? null;
