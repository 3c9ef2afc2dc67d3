import { createRouter } from "../platform/http/router.ts";
import { addressesRoutes } from "./addresses-routes.ts";
import { apiKeysRoutes } from "./api-keys-routes.ts";
import { authRoutes } from "./auth-routes.ts";
import { byMailRoutes } from "./by-mail-routes.ts";
import { meRoutes } from "./me-routes.ts";
import { rolesRoutes } from "./roles-routes.ts";
import type { CartPort } from "./sign-in.ts";
import { usersRoutes } from "./users-routes.ts";

/** Sign-in, one's own account, and all accounts for admins. */
export const accountsRoutes = (carts: CartPort) =>
  createRouter()
    .route("/", authRoutes(carts))
    .route("/", byMailRoutes)
    .route("/", meRoutes)
    .route("/", addressesRoutes)
    .route("/", usersRoutes)
    .route("/", rolesRoutes)
    .route("/", apiKeysRoutes);
