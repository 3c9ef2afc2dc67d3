import { createRouter } from "../platform/http/router.ts";
import { categoryRoutes } from "./categories/routes.ts";
import { productRoutes } from "./products/routes.ts";
import { searchRoutes } from "./search/routes.ts";
import type { StockPort } from "./stock-port.ts";
import { storeRoutes } from "./stores/routes.ts";

/** Categories, stores, products and search. Reads are public; writes and history are for staff. */
export function catalogRoutes(stock: StockPort) {
  return createRouter()
    .route("/", categoryRoutes)
    .route("/", storeRoutes)
    .route("/", searchRoutes)
    .route("/", productRoutes(stock));
}
