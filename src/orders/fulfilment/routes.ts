import { createRouter } from "../../platform/http.ts";

/** Transitions, shipments, the close of what is left, and returns. */
export const fulfilmentRoutes = createRouter();
